/** doctor: is everything as it should be, and what to do where it is not. */
import type { Context } from '../context.js';
import { print, table } from '../output.js';
import { runChecks } from '../doctor/checks.js';
import type { Command } from './command.js';

const doctor = async (context: Context): Promise<number> => {
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
  { name: 'doctor', summary: 'users, modes, sockets, units, clock, versions, as a table with what to do', run: doctor },
];
