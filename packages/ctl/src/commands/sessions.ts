/** sessions, unblock: which agents are there, what they have read, and which were stopped for what they did. */
import { AirlockError, isoTime, type BlockView, type SessionList, type SessionView, type Unblocked } from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, print, table } from '../output.js';
import { printableValue } from '../printable.js';
import type { Command, Invocation } from './command.js';

const read = (context: Context): Promise<SessionList> => withGateway(context, (link) => ask<SessionList>(link, 'session.list'));

const sessionRow = ({ session, role, client, connected, leases, taint, blocked }: SessionView): string[] => [
  session,
  role,
  client === null ? '' : printableValue(client),
  connected ? 'connected' : 'away',
  String(leases),
  taint === null ? '' : `${taint.service} ${taint.operation}, ${localTime(isoTime(taint.sinceMs))}`,
  blocked === null ? '' : `until ${localTime(blocked.until)}`,
];

const blockRow = ({ role, session, reason, since, until }: BlockView): string[] => [
  role,
  session ?? 'all of the role',
  reason,
  localTime(since),
  localTime(until),
  `airlock-ctl unblock ${role}${session === null ? '' : ` ${session}`}`,
];

const text = ({ sessions, blocks }: SessionList): string =>
  [
    sessions.length === 0
      ? 'no agent is connected or holds a lease'
      : table(['session', 'role', 'calls itself', '', 'leases', 'has read', 'blocked'], sessions.map(sessionRow)),
    ...(blocks.length === 0
      ? []
      : [table(['role', 'session', 'blocked for', 'since', 'until', 'ends with'], blocks.map(blockRow))]),
  ].join('\n\n');

const sessions = async (context: Context): Promise<void> => {
  const list = await read(context);
  print(context, list, text(list));
};

/** Looked up before a code is asked for. @throws AirlockError NOT_FOUND */
const checkBlocked = async (context: Context, role: string, session: string | undefined): Promise<void> => {
  const { blocks } = await read(context);
  if (blocks.some((block) => block.role === role && (session === undefined || block.session === session))) return;
  throw new AirlockError('NOT_FOUND', `nothing of ${session ?? role} is blocked`, {
    field: session === undefined ? 'ROLE' : 'SESSION',
    hint: 'airlock-ctl sessions lists what is blocked, and for what',
  });
};

const unblock = async (context: Context, { args }: Invocation): Promise<void> => {
  const [role = '', session] = args;
  await checkBlocked(context, role, session);
  const params = session === undefined ? { role } : { role, session };
  const { lifted } = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'unblock', params });
    return withGateway(context, (gateway) => ask<Unblocked>(gateway, 'session.unblock', { ticket }));
  });
  print(context, { unblocked: role, lifted }, lifted === 0 ? 'it had ended meanwhile' : `${session ?? role} goes on`);
};

export const SESSION_COMMANDS: readonly Command[] = [
  { name: 'sessions', summary: 'agents that are there, what they have read, and which are blocked for what', run: sessions },
  {
    name: 'unblock',
    args: '<role> [session]',
    summary: 'let a blocked role, or one session of it, go on before its time; needs a code',
    run: unblock,
  },
];
