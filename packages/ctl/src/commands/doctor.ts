/** doctor: is everything as it should be, and what to do where it is not. */
import type { Context } from '../context.js';
import { print, table } from '../output.js';
import { runChecks } from '../doctor/checks.js';
import { attack } from '../attack/report.js';
import type { Command, Invocation } from './command.js';

const doctor = async (context: Context, invocation: Invocation): Promise<number> => {
  if (invocation.options['attack'] === true) return attack(context, invocation);
  const checks = await runChecks(context);
  // Isolation is a fact to be told in the development launcher, not a fault of it.
  const tolerated = (id: string): boolean => id === 'isolation' && context.runtimeDir !== '/run/airlock';
  const ok = checks.every((check) => check.ok || tolerated(check.id));
  const rows = checks.map((check) => [
    check.ok ? 'ok' : tolerated(check.id) ? 'note' : 'FAIL',
    check.id,
    check.found,
    check.ok ? '' : check.fix,
  ]);
  print(
    context,
    { ok, checks },
    `${table(['', 'check', 'found', 'do'], rows)}\n${ok ? 'all is well' : 'not all is well: do what the last column says'}`,
  );
  return ok ? 0 : 1;
};

export const DOCTOR_COMMANDS: readonly Command[] = [
  {
    name: 'doctor',
    summary: 'is everything as it should be, as a table with what to do; --attack tries the walls from the agents’ side',
    flags: [
      {
        flags: '--attack',
        summary: 'try, as each agent’s user, what no agent may do; harmless, and exit status 1 if anything got through',
      },
      { flags: '--role <role>', summary: 'with --attack: the users of this role only' },
      { flags: '--user <user>', summary: 'with --attack: this user only' },
    ],
    run: doctor,
  },
];
