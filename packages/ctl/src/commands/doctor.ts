/** doctor: is everything as it should be, and what to do where it is not. */
import { systemTimers } from '@airlock/protocol';
import { whileWaiting } from '@airlock/protocol/command';
import { attack } from '../attack/report.js';
import type { Context } from '../context.js';
import { runAgentChecks, runChecks, type Check } from '../doctor/checks.js';
import { print, table } from '../output.js';
import { isInstalled } from '../system.js';
import type { Command, Invocation } from './command.js';

const look = async (context: Context): Promise<readonly Check[]> => {
  const { terminal, json: isSilent } = context;
  const display = { err: (text: string) => terminal.err(text), isTerminal: terminal.isTerminal, isSilent, timers: systemTimers };
  const agents = runAgentChecks(context);
  return whileWaiting(
    display,
    'the daemons and an MCP handshake of each role',
    Promise.all([runChecks(context), agents]).then((both) => both.flat()),
  );
};

const summary = (checks: readonly Check[], bad: number): string =>
  bad === 0
    ? `${checks.length} checks: all is well`
    : `${bad} of ${checks.length} checks failed: do what the last column says, then run this again`;

const doctor = async (context: Context, invocation: Invocation): Promise<number> => {
  if (invocation.options['attack'] === true) return attack(context, invocation);
  const checks = await look(context);
  // Isolation is a fact to be told in the development launcher, not a fault of it.
  const tolerated = (id: string): boolean => id === 'isolation' && !isInstalled(context);
  const bad = checks.filter((check) => !check.ok && !tolerated(check.id)).length;
  const rows = checks.map((check) => [
    check.ok ? 'ok' : tolerated(check.id) ? 'note' : 'FAIL',
    check.id,
    check.ok ? check.found : `${check.found}, expected: ${check.expected}`,
    check.fix,
  ]);
  print(context, { ok: bad === 0, checks }, `${table(['state', 'check', 'found', 'what to do'], rows)}\n${summary(checks, bad)}`);
  return bad === 0 ? 0 : 1;
};

export const DOCTOR_COMMANDS: readonly Command[] = [
  {
    name: 'doctor',
    summary: 'is everything as it should be, as a table with what to do; --attack tries the walls from the agents’ side',
    flags: [
      {
        flags: '--attack',
        summary: 'try, as each agent’s user, what no agent may do; harmless, recorded, and exit status 1 if anything got through',
      },
      { flags: '--role <role>', summary: 'with --attack: the users of this role only' },
      { flags: '--user <user>', summary: 'with --attack: this user only' },
    ],
    run: doctor,
  },
];
