/** `airlock use ROLE` and `airlock current`: which of several roles this user speaks as. */
import { AirlockError, accessStatus, chooseAgentSocket, roleMemory, type AccessStatus, type ChosenSocket } from '@airlock/client';
import { withSession, type Context } from '../context.js';
import { printNote, printResult } from '../output.js';
import { table } from '../table.js';
import type { Command } from './command.js';

interface UseFlags {
  readonly forget?: boolean;
}

const neither = (isBoth: boolean): AirlockError =>
  new AirlockError('PARAMS_INVALID', isBoth ? 'a ROLE and --forget' : 'no ROLE', {
    field: 'ROLE',
    expected: 'a role, or --forget',
    found: isBoth ? 'both' : 'nothing',
    hint: 'write for example: airlock use default',
  });

/** A variable that names role or socket goes before what is remembered. */
const overriding = ({ env }: Context): string | undefined =>
  ['AIRLOCK_SOCKET', 'AIRLOCK_ROLE'].find((name) => (env[name] ?? '') !== '');

const forget = (context: Context): void => {
  const memory = roleMemory(context.env);
  const before = memory.read();
  memory.forget();
  printResult(context.output, { forgotten: before }, () => (before === null ? 'no role was remembered' : `forgot ${before}`));
};

/** Remembered only once its gateway has answered: a role that cannot be used is refused with the group to join. */
export const useRole = async (context: Context, role: string | undefined, flags: UseFlags): Promise<void> => {
  if ((role !== undefined) === (flags.forget === true)) throw neither(role !== undefined);
  if (role === undefined) return forget(context);
  await withSession({ ...context, flags: { ...context.flags, socket: undefined, role } }, () => Promise.resolve());
  const memory = roleMemory(context.env);
  memory.write(role);
  printResult(context.output, { role, remembered: memory.path }, () => `from now on: role ${role}`);
  const variable = overriding(context);
  if (variable !== undefined) printNote(context.output, `note: ${variable} is set and goes before it`);
};

const WHY: Readonly<Record<ChosenSocket['why'], string>> = {
  flag: 'named by a flag',
  environment: 'named by the environment',
  remembered: 'remembered: airlock use',
  'only one': 'the only one open to this user',
};

const leaseLines = ({ leases }: AccessStatus): string =>
  leases.length === 0
    ? 'lease    none'
    : table(
        ['LEASE', 'SCOPES', 'UNTIL'],
        leases.map(({ id, scopes, expiresAt }) => [id, scopes.join(' '), expiresAt]),
      );

/** Which role, and why it, is told also where its gateway then refuses. */
export const current = async (context: Context): Promise<void> => {
  const { socket, why } = chooseAgentSocket({ ...context.flags, env: context.env });
  const facts = [`role     ${socket.role} (${WHY[why]})`, `socket   ${socket.path}`];
  try {
    await withSession(context, async ({ session }) => {
      const answer = await accessStatus(session);
      const { leases } = answer;
      const value = { role: socket.role, why, socket: socket.path, session: answer.session, leases };
      printResult(context.output, value, () => [...facts, `session  ${answer.session}`, leaseLines(answer)].join('\n'));
    });
  } catch (thrown) {
    if (!context.output.isJson) printNote(context.output, facts.join('\nairlock: '));
    throw thrown;
  }
};

export const ROLE_COMMANDS: readonly Command[] = [
  {
    name: 'use',
    args: '[role]',
    summary: 'speak as this role from now on, where several are open to this user',
    flags: [{ flags: '--forget', summary: 'remember none: the only role there is, or the one that is named' }],
    run: (context, { args: [role], options }) => useRole(context, role, options),
  },
  { name: 'current', summary: 'which role this is and why, its socket, session and leases', run: current },
];
