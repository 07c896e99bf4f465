/** Runs probes as the user of an agent and says of each what came of it. */
import type { Account } from '../accounts.js';
import { runAs } from '../as-user.js';
import { printable } from '../printable.js';
import type { Probe } from './probe.js';

/** `untried`: it never came as far as the wall, which proves nothing. */
export type Outcome = 'held' | 'hole' | 'untried';

export interface Tried {
  readonly probe: Probe;
  readonly outcome: Outcome;
  readonly found: string;
}

const LIMIT_MS = 20_000;
const TIMED_OUT = 124;
/** At once; each is a shell and some are a Node as well. */
const PARALLEL = 4;
const MAX_SHOWN = 100;

/** A tool is missing, or does not know what it was asked. */
const BROKEN = /command not found|syntax error|unrecognized option|invalid option|Function not implemented/;

const lastLine = (text: string): string => {
  const line = printable(text.trim().split('\n').at(-1) ?? '');
  return line.replace(/^bash: (?:line \d+: )?/, '').slice(-MAX_SHOWN);
};

/** What a probe's end means. */
export const judge = (
  { refusal }: Probe,
  status: number,
  said: string,
): { readonly outcome: Outcome; readonly found: string } => {
  if (status === 0) return { outcome: 'hole', found: 'GOT THROUGH' };
  const line = lastLine(said);
  if (BROKEN.test(said)) return { outcome: 'untried', found: `not tried: ${line}` };
  // Whoever is let in may be kept waiting: silence is no refusal.
  if (status === TIMED_OUT) return { outcome: 'untried', found: 'no answer' };
  if (refusal !== undefined && !refusal.test(said)) return { outcome: 'untried', found: line === '' ? 'not there' : line };
  return { outcome: 'held', found: line === '' ? 'refused' : line };
};

/** One probe. @param accountOf users that `then` names */
export const tryProbe = async (
  probe: Probe,
  account: Account | null,
  accountOf: (user: string) => Account | null = () => null,
): Promise<Tried> => {
  const shell = (script: string): string[] => ['bash', '--norc', '-c', script];
  const first = await runAs(shell(probe.script), { account, limitMs: LIMIT_MS });
  const { then } = probe;
  const { status, stdout, stderr } =
    then === undefined ? first : await runAs(shell(then.script), { account: accountOf(then.as), limitMs: LIMIT_MS });
  return { probe, ...judge(probe, status, `${stdout}${stderr}`) };
};

/** All, some at a time, answered in their order. @param accountOf users that `then` names */
export const tryAll = async (
  probes: readonly Probe[],
  account: Account | null,
  accountOf?: (user: string) => Account | null,
): Promise<readonly Tried[]> => {
  const results: Tried[] = [];
  const waiting = probes.map((probe, at) => ({ probe, at }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next.at] = await tryProbe(next.probe, account, accountOf);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return results;
};
