/** `airlock status`: leases and requests of this session, and what its role can claim. */
import { accessStatus, type AccessStatus } from '@airlock/client';
import { presenceText } from '@airlock/protocol';
import { withSession, type Context } from '../context.js';
import { printResult } from '../output.js';
import { table } from '../table.js';
import type { Command } from './command.js';

const leaseTable = ({ leases }: AccessStatus): string =>
  leases.length === 0
    ? 'no live lease'
    : table(
        ['LEASE', 'SCOPES', 'UNTIL', 'CALLS LEFT'],
        leases.map(({ id, scopes, expiresAt, callsLeft }) => [
          id,
          scopes.join(' '),
          expiresAt,
          callsLeft === undefined ? '-' : String(callsLeft),
        ]),
      );

const pendingTable = ({ pending }: AccessStatus): string =>
  pending.length === 0
    ? 'nothing waits for the operator'
    : table(
        ['REQUEST', 'MATCH', 'OPEN UNTIL'],
        pending.map(({ request, match, expiresAt }) => [request, match, expiresAt]),
      );

const grantTable = ({ grants }: AccessStatus): string[] =>
  grants.length === 0
    ? []
    : [
        table(
          ['GRANT', 'SCOPES', 'UNTIL', 'CLAIM WITH'],
          grants.map(({ id, scopes, expiresAt }) => [id, scopes.join(' '), expiresAt, `airlock claim ${id}`]),
        ),
      ];

/** Why some calls need a code of their own, or none is answered. */
const whyText = ({ taint, blocked, frozen }: AccessStatus): string[] => [
  ...(frozen === undefined
    ? []
    : [`frozen: ${presenceText(frozen)}; reading goes on when the operator is back, what writes or sends out then needs a code`]),
  ...(blocked === null ? [] : [`blocked until ${blocked.until}: ${blocked.reason}`]),
  ...(taint === null
    ? []
    : [
        `tainted: ${taint.service} ${taint.operation} gave it what others wrote, first at ${new Date(taint.sinceMs).toISOString()}; what changes something or sends something out needs a code of its own`,
      ]),
];

const human = (status: AccessStatus): string => {
  const flags = `${status.locked ? (status.frozen === undefined ? ', locked' : ', frozen') : ''}${status.tainted ? ', has read what others wrote' : ''}`;
  return [
    `role ${status.role}, session ${status.session}${flags}`,
    ...whyText(status),
    leaseTable(status),
    pendingTable(status),
    ...grantTable(status),
  ].join('\n\n');
};

export const status = (context: Context): Promise<void> =>
  withSession(context, async ({ session }) => {
    const answer = await accessStatus(session);
    printResult(context.output, answer, () => human(answer));
  });

export const STATUS: Command = {
  name: 'status',
  summary: 'show leases and requests of this session, and what can be claimed',
  run: status,
};
