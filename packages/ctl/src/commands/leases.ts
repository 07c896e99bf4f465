/** leases, revoke, lock, unlock: what is open now, and closing it. */
import { AirlockError, type LeaseView } from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withTotp, type Context } from '../context.js';
import { localTime, print, table } from '../output.js';
import type { Command, Invocation } from './command.js';

const leases = async (context: Context): Promise<void> => {
  const list = await withTotp(context, (link) => ask<{ leases: readonly LeaseView[] }>(link, 'leases'));
  const rows = list.leases.map(({ id, role, scopes, issuedAt, expiresAt, callsLeft, unclaimed }) => [
    id,
    unclaimed === true ? `${role} (unclaimed)` : role,
    scopes.join(' '),
    localTime(issuedAt),
    localTime(expiresAt),
    callsLeft === undefined ? '' : String(callsLeft),
  ]);
  print(
    context,
    list.leases,
    rows.length === 0 ? 'no lease is live' : table(['lease', 'role', 'access', 'issued', 'until', 'calls left'], rows),
  );
};

const revoke = async (context: Context, { args, options }: Invocation): Promise<void> => {
  const [id] = args;
  const all = options['all'] === true;
  if (all === (id !== undefined)) {
    throw new AirlockError('PARAMS_INVALID', 'name one lease or grant, or --all', {
      field: 'ID',
      expected: 'the id of a lease or grant, or --all',
      found: all ? 'both' : 'nothing',
      hint: 'airlock-ctl leases lists them',
    });
  }
  const result = await withTotp(context, (link) =>
    ask<{ revoked: readonly string[] }>(link, 'revoke', all ? { all } : { lease: id }),
  );
  print(context, result, result.revoked.length === 0 ? 'no lease was live' : `revoked ${result.revoked.join(', ')}`);
};

const lock = async (context: Context): Promise<void> => {
  const result = await withTotp(context, (link) => ask<{ locked: boolean }>(link, 'lock'));
  print(context, result, 'locked: nothing is served until airlock-ctl unlock');
};

const unlock = async (context: Context): Promise<void> => {
  await withTotp(context, (link) => approveAction(context, link, { verb: 'unlock', params: {} }));
  print(context, { locked: false }, 'unlocked: leases that have not expired work again');
};

export const LEASE_COMMANDS: readonly Command[] = [
  { name: 'leases', summary: 'the leases that live now, and grants nobody has claimed', run: leases },
  {
    name: 'revoke',
    args: '[id]',
    summary: 'end a lease, or a grant, at once; needs no code',
    flags: [{ flags: '--all', summary: 'every lease and grant' }],
    run: revoke,
  },
  { name: 'lock', summary: 'freeze every lease at once; needs no code', run: lock },
  { name: 'unlock', summary: 'end a lock; needs a code', run: unlock },
];
