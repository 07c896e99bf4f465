/** audit, audit verify, audit export: what happened, whether the record is whole, and proof of a part of it. */
import { accept } from '../audit/accept.js';
import { exportRecords } from '../audit/export.js';
import { reopen } from '../audit/reopen.js';
import { audit } from '../audit/show.js';
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
      { flags: '--session <id>', summary: 'only what one session did' },
      { flags: '--lease <id>', summary: 'only what happened under one lease' },
      { flags: '--last <span>', summary: 'for example 30m, 12h, 7d' },
      { flags: '--follow', summary: 'go on printing as records come' },
    ],
    run: audit,
  },
  {
    name: 'audit verify',
    args: '[bundle]',
    summary: 'is the record whole, or an export of it (a directory or .tar) what was signed; exit status 7 if not, or not proven',
    flags: [
      {
        flags: '--head <head>',
        summary:
          'a head that was kept, which the record, or the part of it in an export, must contain: 64 hexadecimal digits, a file with a signed note, or airlock-totp’s file heads',
        many: true,
      },
      { flags: '--dir <directory>', summary: 'copied files instead of the daemons: gateway/ and totp/, or one log with --log' },
      { flags: '--log <log>', summary: 'only this log, gateway or totp; of copied files also whose they are' },
      {
        flags: '--key <file>',
        summary:
          'public keys that the heads must be signed by, of the daemons too, instead of /etc/airlock/keys: for each log that is checked, and of airlock-export for an export',
        many: true,
      },
    ],
    run: verify,
  },
  {
    name: 'audit export',
    summary: 'a signed bundle that openssl and sha256sum can check: of a session, a lease or a span of time',
    flags: [
      { flags: '--session <id>', summary: 'what one session did' },
      { flags: '--lease <id>', summary: 'what happened under one lease' },
      { flags: '--last <span>', summary: 'for example 30m, 12h, 7d' },
      { flags: '--since <time>', summary: 'from this day (UTC) or instant on' },
      { flags: '--until <time>', summary: 'up to the start of this day (UTC), or this instant' },
      { flags: '-o, --output <path>', summary: 'a directory, or a file that ends in .tar; must not exist', required: true },
    ],
    run: exportRecords,
  },
  {
    name: 'audit accept',
    summary:
      'a log that was lost, forked or damaged is begun anew (root, with a code); its files are set aside, both logs say so',
    flags: [{ flags: '--log <log>', summary: 'gateway or totp; without it, the one that is sealed' }],
    run: accept,
  },
  {
    name: 'audit reopen',
    summary: 'after a full, failed or read-only disk was repaired (root): start the daemons that are sealed because of it',
    run: reopen,
  },
];
