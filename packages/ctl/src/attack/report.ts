/** doctor --attack: tries the walls as each agent's user, tells what got through and what to do. */
import { AirlockError, systemTimers } from '@airlock/protocol';
import { textOption, whileWaiting, type Invocation } from '@airlock/protocol/command';
import type { Context } from '../context.js';
import { note, print, table } from '../output.js';
import { harmlessProbes, type Wall } from './list.js';
import { recordRuns, type Recorded } from './recorded.js';
import { tryAll, type Tried } from './run.js';
import { chooseAttacks, readCompiled, type Attack } from './targets.js';

/** One row of the table and one check of the JSON. */
export interface AttackCheck {
  readonly id: string;
  /** Nothing got through. */
  readonly ok: boolean;
  readonly outcome: Tried['outcome'];
  readonly user: string;
  readonly role: string;
  readonly wall: Wall;
  readonly tried: string;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}

const EXPECTED: Readonly<Record<Wall, string>> = {
  sockets: 'refused: root owns the socket, its group alone connects',
  files: 'refused: root or the daemon alone',
  processes: 'refused: another user, not dumpable',
  rights: 'no such right',
  machine: 'nothing of others is seen, used or changed',
  commands: 'refused',
};

const STATES: Readonly<Record<Tried['outcome'], string>> = { held: 'ok', hole: 'FAIL', untried: '-' };

const checkOf =
  ({ role, targets: { self } }: Attack) =>
  ({ probe, outcome, found }: Tried): AttackCheck => ({
    id: `${self}: ${probe.name}`,
    ok: outcome !== 'hole',
    outcome,
    user: self,
    role,
    wall: probe.wall,
    tried: probe.name,
    found,
    expected: EXPECTED[probe.wall],
    fix: outcome === 'hole' ? probe.fix : '',
  });

const attackOne = async (context: Context, attack: Attack): Promise<readonly AttackCheck[]> => {
  const probes = harmlessProbes(attack.targets);
  const { terminal, json } = context;
  const display = {
    err: (text: string) => terminal.err(text),
    isTerminal: terminal.isTerminal,
    isSilent: json,
    timers: systemTimers,
  };
  const what = `${probes.length} probes as ${attack.targets.self}, role ${attack.role}`;
  return (await whileWaiting(display, what, tryAll(probes, attack.account))).map(checkOf(attack));
};

/** What the table cannot know: who could not be attacked, and what was not there. */
const remarks = (attacks: readonly Attack[], isolation: string): string[] => [
  ...(isolation === 'none'
    ? [
        'this is the development launcher: users are not isolated, so that the agent is the operator. The failures below are expected here',
      ]
    : []),
  ...(isolation === 'same-user'
    ? ['agent and operator are one user here, which was accepted with --same-user: expect failures']
    : []),
  ...(process.getuid?.() === 0 ? [] : ['as yourself only; every agent’s user is tried by: sudo airlock-ctl doctor --attack']),
  ...(attacks.some(({ targets }) => 'cell' in targets.pids)
    ? []
    : ['no cell lives; while a lease is in use its process is tried too']),
];

const nobody = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'no role has a user', {
    hint: 'name one: sudo airlock-ctl doctor --attack --user airlock-agent',
  });

const recordLine = ({ recorded, why, hint }: Recorded): string =>
  recorded ? 'recorded: airlock-ctl audit --event attack_run' : `NOT RECORDED: ${why}${hint === '' ? '' : `; ${hint}`}`;

const summary = (checks: readonly AttackCheck[]): string => {
  const count = (outcome: Tried['outcome']): number => checks.filter((check) => check.outcome === outcome).length;
  const tried = count('held') + count('hole');
  const rest = count('untried') === 0 ? '' : `, ${count('untried')} could not be tried here`;
  return count('hole') === 0
    ? `${tried} probes, none got through${rest}`
    : `${count('hole')} of ${tried} probes GOT THROUGH${rest}: do what the last column says`;
};

/** @returns 1 where any probe got through, or where root's run could not be recorded */
export const attack = async (context: Context, invocation: Invocation): Promise<number> => {
  const config = readCompiled(context);
  const attacks = chooseAttacks(context, config, {
    role: textOption(invocation, 'role'),
    user: textOption(invocation, 'user'),
  });
  if (attacks.length === 0) throw nobody();
  const checks: AttackCheck[] = [];
  for (const one of attacks) checks.push(...(await attackOne(context, one)));
  const record = await recordRuns(context, checks);
  const { recorded, why, hint } = record;
  const ok = checks.every((check) => check.ok);
  // What got through stands last, above the line that sums up: there it is seen.
  const order: readonly Tried['outcome'][] = ['held', 'untried', 'hole'];
  const sorted = [...checks].sort((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome));
  const rows = sorted.map(({ outcome, user, wall, tried, found, fix }) => [STATES[outcome], user, wall, tried, found, fix]);
  if (!context.json) for (const remark of remarks(attacks, config.isolation)) note(context, `airlock: ${remark}`);
  print(
    context,
    { ok, isolation: config.isolation, recorded, why, hint, checks },
    `${table(['state', 'user', 'wall', 'tried', 'found', 'what to do'], rows)}\n${recordLine(record)}\n${summary(checks)}`,
  );
  return ok && (recorded || !record.expected) ? 0 : 1;
};
