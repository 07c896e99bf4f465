/** audit and audit verify: what happened, and whether the record is whole. */
import { audit } from '../audit/records.js';
import { verify } from '../audit/verify.js';
import type { Command } from './command.js';

export const AUDIT_COMMANDS: readonly Command[] = [
  {
    name: 'audit',
    args: '[day]',
    summary: 'the record of both daemons; `today`, or --last',
    flags: [
      { flags: '--service <name>', summary: 'only this service' },
      { flags: '--event <name>', summary: 'only this event' },
      { flags: '--last <span>', summary: 'for example 30m, 12h, 7d' },
      { flags: '--follow', summary: 'go on printing as records come' },
    ],
    run: audit,
  },
  {
    name: 'audit verify',
    summary: 'is the record whole; exit status 7 if not',
    flags: [
      {
        flags: '--head <head>',
        summary: 'a head that was kept, which the record must contain: 64 hexadecimal digits, or a file with a signed note',
        many: true,
      },
      { flags: '--dir <directory>', summary: 'copied files instead of the daemons: gateway/ and totp/, or one log with --log' },
      { flags: '--log <log>', summary: 'whose log the files are' },
      { flags: '--key <file>', summary: 'public keys for the copied files, instead of /etc/airlock/keys', many: true },
    ],
    run: verify,
  },
];
