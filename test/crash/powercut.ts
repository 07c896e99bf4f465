/** The power goes before every call that changes or syncs anything, in every way the model knows; and calls fail one by one. */
import { AirlockError } from '@airlock/protocol';
import { Dice } from '../fire/dice.js';
import { fatesOf } from './fates.js';
import { failure, ModelFs, type CallName, type Disk } from './model-fs.js';
import type { Scenario, Telling } from './scenario.js';

export interface Survey {
  readonly moments: number;
  readonly states: number;
  readonly sealed: Readonly<Record<string, number>>;
  readonly lost: number;
  /** The first loss. */
  readonly example: string | null;
}

const CHANGES: ReadonlySet<CallName> = new Set(['open', 'write', 'datasync', 'sync', 'truncate', 'rename', 'unlink', 'mkdir']);

const prepared = (scenario: Scenario): ModelFs => ModelFs.of(new Map([['/state', null], ...(scenario.before ?? [])]));

class Tally {
  moments = 0;
  states = 0;
  lost = 0;
  example: string | null = null;
  readonly sealed: Record<string, number> = {};

  judge(telling: Telling, disk: Disk, when: string): void {
    this.states += 1;
    let what: string | null = null;
    try {
      const verdict = telling.check(disk);
      if (verdict.kind === 'sealed') this.sealed[verdict.why] = (this.sealed[verdict.why] ?? 0) + 1;
      if (verdict.kind === 'lost') ({ what } = verdict);
    } catch (thrown) {
      what = `opening throws ${thrown instanceof Error ? thrown.message : 'something'}`;
    }
    if (what === null) return;
    this.lost += 1;
    this.example ??= `${when}: ${what}`;
  }
}

/** A control has shown what it should by then. */
const ENOUGH_LOST = 50;

/** @param lies syncs that do nothing: the negative control */
export const cutPower = async (scenario: Scenario, seed: number, lies: ModelFs['lies'] = new Set()): Promise<Survey> => {
  const fs = prepared(scenario);
  fs.lies = lies;
  const tally = new Tally();
  const telling = scenario.tell(fs);
  const dice = new Dice(seed, scenario.name);
  const look = (when: string): void => {
    if (lies.size > 0 && tally.lost >= ENOUGH_LOST) return;
    tally.moments += 1;
    for (const fate of fatesOf(fs.pendingCount, dice)) tally.judge(telling, fs.cut(fate), when);
  };
  fs.hook = (call) => {
    if (CHANGES.has(call)) look(`before ${call} ${tally.moments}`);
    return null;
  };
  await telling.run();
  look('at the end');
  return tally;
};

/** A full disk refuses what needs room. */
const NEEDS_ROOM: ReadonlySet<CallName> = new Set(['open', 'write', 'rename', 'mkdir', 'datasync', 'sync']);

/** One way in which calls fail, one after the other. */
interface Fault {
  readonly kind: 'EIO' | 'ENOSPC' | 'short';
  readonly applies: (call: CallName) => boolean;
  /** Code that does not look at what became of its call: the negative control. */
  readonly isUnheard?: boolean;
}
const isWrite = (call: CallName): boolean => call === 'write';
const FAULTS: readonly Fault[] = [
  { kind: 'EIO', applies: () => true },
  { kind: 'ENOSPC', applies: (call) => NEEDS_ROOM.has(call) },
  { kind: 'short', applies: isWrite },
];
/** By what the code lacks. */
export const UNHEARD: Readonly<Record<string, Fault>> = {
  'a write that fails and is not looked at': { kind: 'EIO', applies: isWrite, isUnheard: true },
  'a sync that fails and is not looked at': {
    kind: 'EIO',
    applies: (call) => call === 'datasync' || call === 'sync',
    isUnheard: true,
  },
  'a short write that is taken for whole': { kind: 'short', applies: isWrite, isUnheard: true },
};

/** Tells the story with the nth call failing, once or from then on. @returns the call that failed, or null where there are fewer */
const withFault = async (
  tally: Tally,
  scenario: Scenario,
  nth: number,
  { kind, applies, isUnheard = false }: Fault,
  forEver: boolean,
): Promise<boolean> => {
  const fs = prepared(scenario);
  fs.isUnheard = isUnheard;
  const telling = scenario.tell(fs);
  let [count, hasFailed] = [0, false];
  fs.hook = (call) => {
    if (!applies(call)) return null;
    count += 1;
    if (count !== nth && !(forEver && count > nth)) return null;
    hasFailed = true;
    if (kind === 'short') return 'short';
    throw failure(kind);
  };
  try {
    await telling.run();
  } catch (thrown) {
    const isTold = thrown instanceof AirlockError || (thrown as { code?: string }).code !== undefined;
    if (!isTold)
      tally.judge(
        { ...telling, check: () => ({ kind: 'lost', what: `an error without a reason: ${String(thrown)}` }) },
        new Map(),
        kind,
      );
  }
  fs.hook = () => null;
  if (!hasFailed) return false;
  const when = `${kind} at call ${nth}${forEver ? ' and after' : ''}`;
  tally.judge(telling, fs.now, when);
  tally.judge(
    telling,
    fs.cut(() => 'lost'),
    `${when}, then a power cut`,
  );
  return true;
};

/** Calls fail one after the other, once or from then on. @param faults EIO, ENOSPC and short writes at each call, or a negative control */
export const failCalls = async (scenario: Scenario, faults: readonly Fault[] = FAULTS): Promise<Survey> => {
  const tally = new Tally();
  for (const fault of faults)
    for (const forEver of [false, true])
      for (let nth = 1; await withFault(tally, scenario, nth, fault, forEver); nth += 1) tally.moments += 1;
  return tally;
};
