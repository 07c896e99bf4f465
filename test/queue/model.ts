/**
 * The approval queue as docs/spec/approval.md says it, written anew from the page and not from the code: a pure value and
 * one function for each thing that can happen. Times in milliseconds, codes as the steps they belong to.
 *
 * Each rule can be left out: that is the negative control of whoever checks it.
 */
export type Lane = 'operator' | 'agent';

export interface Asked {
  readonly id: number;
  readonly lane: Lane;
  readonly role: string;
}

export interface Queue {
  readonly nowMs: number;
  readonly front: Asked | null;
  readonly waiting: readonly Asked[];
  readonly lastStep: number;
  readonly floorStep: number;
  readonly failures: number;
  readonly leftMs: number | null;
  readonly coolOff: Readonly<Record<string, { readonly denials: number; readonly untilMs: number }>>;
}

/** What can be left out, each a MUST of the page. */
export interface Rules {
  /** QUEUE-5. */
  readonly floor: boolean;
  /** QUEUE-2. */
  readonly digest: boolean;
  /** QUEUE-1, first half: only the front can be approved. */
  readonly onlyFront: boolean;
  /** QUEUE-4: a step is used once. */
  readonly burn: boolean;
  /** QUEUE-1, second half: nothing an agent sends changes the front. */
  readonly keepsFront: boolean;
  /** QUEUE-7: further places are the operator's. */
  readonly ownPlaces: boolean;
}

export const RULES: Rules = { floor: true, digest: true, onlyFront: true, burn: true, keepsFront: true, ownPlaces: true };

export const PERIOD_MS = 30_000;
const WINDOW_STEPS = 1;
const FLOOR_STEPS = 2;
const MATCH_MS = 300_000;
const COOL_OFF_MS = 5_000;
const MAX_COOL_OFF_MS = 3_600_000;
const MAX_FAILURES = 10;

export interface Places {
  readonly agents: number;
  readonly role: number;
  readonly operator: number;
}
/** QUEUE-7. */
export const PLACES: Places = { agents: 8, role: 3, operator: 4 };

export const emptyQueue = (nowMs: number): Queue => ({
  nowMs,
  front: null,
  waiting: [],
  lastStep: -1,
  floorStep: 0,
  failures: 0,
  leftMs: null,
  coolOff: {},
});

export const stepOf = ({ nowMs }: Queue): number => Math.floor(nowMs / PERIOD_MS);
export const pending = ({ front, waiting }: Queue): readonly Asked[] => (front === null ? waiting : [front, ...waiting]);

/** QUEUE-7, QUEUE-8. @returns null where there is no place */
export const ask = (queue: Queue, asked: Asked, rules: Rules = RULES, places: Places = PLACES): Queue | null => {
  const all = pending(queue);
  const ofLane = all.filter(({ lane }) => lane === asked.lane || !rules.ownPlaces);
  if (asked.lane === 'operator') {
    if (ofLane.length >= (rules.ownPlaces ? places.operator : places.agents)) return null;
  } else {
    if ((queue.coolOff[asked.role]?.untilMs ?? 0) > queue.nowMs) return null;
    if (ofLane.filter(({ role }) => role === asked.role).length >= places.role || ofLane.length >= places.agents) return null;
  }
  if (queue.front === null) return { ...queue, front: asked };
  if (!rules.keepsFront) return { ...queue, front: asked, waiting: [queue.front, ...queue.waiting] };
  const own = queue.waiting.filter(({ lane }) => lane === 'operator');
  const agents = queue.waiting.filter(({ lane }) => lane === 'agent');
  return { ...queue, waiting: asked.lane === 'operator' ? [...own, asked, ...agents] : [...own, ...agents, asked] };
};

const without = (queue: Queue, id: number): Queue => {
  const [front = null, ...waiting] = pending(queue).filter((one) => one.id !== id);
  return { ...queue, front, waiting };
};

/** Denied, expired or cancelled: QUEUE-5, QUEUE-6. */
export const leave = (queue: Queue, id: number, rules: Rules = RULES): Queue => {
  const left = without(queue, id);
  if (queue.front?.id !== id) return left;
  return rules.floor
    ? { ...left, floorStep: Math.max(queue.floorStep, stepOf(queue) + FLOOR_STEPS), leftMs: queue.nowMs }
    : { ...left, leftMs: queue.nowMs };
};

/** QUEUE-8. */
export const deny = (queue: Queue, id: number, rules: Rules = RULES): Queue => {
  const found = pending(queue).find((one) => one.id === id);
  const left = leave(queue, id, rules);
  if (found?.lane !== 'agent') return left;
  const denials = (queue.coolOff[found.role]?.denials ?? 0) + 1;
  const untilMs = queue.nowMs + Math.min(MAX_COOL_OFF_MS, COOL_OFF_MS * 2 ** (denials - 1));
  return { ...left, coolOff: { ...queue.coolOff, [found.role]: { denials, untilMs } } };
};

/** A submission: the request it names, whose digest and match number it carries, and the step of its code (null: a wrong one). */
export interface Given {
  readonly request: number;
  readonly digestOf: number;
  /** null: left out; -1: one of nobody. */
  readonly matchOf: number | null;
  readonly step: number | null;
}

export type Outcome = 'locked-out' | 'digest' | 'match-missing' | 'match-wrong' | 'code' | 'not-front' | 'approved';

/** QUEUE-6. */
export const needsMatch = ({ waiting, leftMs, nowMs }: Queue): boolean =>
  waiting.length > 0 || (leftMs !== null && nowMs - leftMs < MATCH_MS);

const beforeCode = (queue: Queue, given: Given, rules: Rules): Outcome | null => {
  if (queue.failures >= MAX_FAILURES) return 'locked-out';
  const named = pending(queue).find(({ id }) => id === given.request);
  if (named !== undefined && rules.digest && given.digestOf !== given.request) return 'digest';
  if (named === undefined || queue.front?.id !== named.id) return null;
  if (given.matchOf === null) return needsMatch(queue) ? 'match-missing' : null;
  return given.matchOf === named.id ? null : 'match-wrong';
};

const isInWindow = (queue: Queue, step: number): boolean => Math.abs(step - stepOf(queue)) <= WINDOW_STEPS;

/** QUEUE-4. */
export const isGood = (queue: Queue, step: number, rules: Rules = RULES): boolean =>
  step >= 0 && isInWindow(queue, step) && step >= queue.floorStep && (!rules.burn || step > queue.lastStep);

/** QUEUE-2, QUEUE-3, QUEUE-9. */
export const submit = (
  queue: Queue,
  given: Given,
  rules: Rules = RULES,
): { readonly outcome: Outcome; readonly queue: Queue } => {
  const early = beforeCode(queue, given, rules);
  if (early !== null) return { outcome: early, queue };
  const { step } = given;
  if (step === null || !isGood(queue, step, rules)) {
    const isRepeated = step !== null && step === queue.lastStep && step >= stepOf(queue) - WINDOW_STEPS;
    return { outcome: 'code', queue: isRepeated ? queue : { ...queue, failures: queue.failures + 1 } };
  }
  const burnt: Queue = { ...queue, lastStep: Math.max(queue.lastStep, step), failures: 0 };
  const named = pending(queue).some(({ id }) => id === given.request);
  if (!named || (rules.onlyFront && queue.front?.id !== given.request)) return { outcome: 'not-front', queue: burnt };
  return { outcome: 'approved', queue: without(burnt, given.request) };
};
