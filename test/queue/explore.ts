/**
 * Every state that the queue can be in, with an adversary and a human around it, up to a number of requests that wait at once;
 * over any number of requests, codes and steps, for time and ids are kept relative.
 *
 * Swap: a human reads the phone (its clock one step off at most) while something is in front, and reads again for the same
 * display only once the code read for it is over; the adversary knows every code read and gives any of them for any request,
 * with whatever digest and match number fits. An approval of a request that was not on display at any reading of that code
 * is a swap. An `eager` human reads again at once: that is where the rules end, and what they do not promise.
 */
import {
  ask,
  isGood,
  leave,
  pending,
  stepOf,
  submit,
  PERIOD_MS,
  RULES,
  type Lane,
  type Places,
  type Queue,
  type Rules,
} from './model.js';

/** A code that was read, and every request that was in front at a reading of it. */
interface Known {
  readonly step: number;
  readonly shown: readonly number[];
}

export interface World {
  readonly queue: Queue;
  readonly known: readonly Known[];
  /** The operator's own request, which has to get through: queued, or not opened (null). */
  readonly own: number | null;
}

export interface Bound {
  readonly places: Places;
  readonly roles: readonly string[];
  /** Reads another code for the same display while the first can still be given. */
  readonly eager?: true;
}

/** Room for a floor of two steps below and above. */
const START_MS = 10 * PERIOD_MS;
/** Ids below are of requests that wait; one that is gone cannot come back. */
const GONE = 0;

/** The same state has one form: time starts anew, requests are numbered by their place, what is over is left out. */
export const normal = ({ queue, known, own }: World): World => {
  const shift = START_MS / PERIOD_MS - stepOf(queue);
  const places = new Map(pending(queue).map(({ id }, index) => [id, index + 1]));
  const renumbered = (id: number): number => places.get(id) ?? GONE;
  const first = stepOf(queue) - 1;
  const kept = known
    .filter(({ step }) => step >= first)
    .map(({ step, shown }) => ({
      step: step + shift,
      shown: [...new Set(shown.map(renumbered).filter((id) => id !== GONE))].sort((a, b) => a - b),
    }))
    .sort((a, b) => a.step - b.step);
  const relative = (step: number): number => Math.max(step + shift, START_MS / PERIOD_MS - 2);
  const [front = null, ...waiting] = pending(queue).map((one) => ({ ...one, id: renumbered(one.id) }));
  const numbered = { front, waiting, nowMs: START_MS, lastStep: relative(queue.lastStep), floorStep: relative(queue.floorStep) };
  return {
    queue: { ...numbered, failures: 0, leftMs: null, coolOff: {} },
    known: kept,
    own: own === null ? null : renumbered(own),
  };
};

const keyOf = ({ queue, known, own }: World): string => {
  const line = pending(queue)
    .map(({ lane, role }) => (lane === 'operator' ? '!' : role))
    .join('');
  const codes = known.map(({ step, shown }) => `${step}:${shown.join(',')}`).join(';');
  return `${line}|${queue.front === null}|${queue.lastStep}|${queue.floorStep}|${codes}|${own ?? '-'}`;
};

export interface Move {
  readonly name: string;
  readonly to: World;
  /** By an agent or by time; what the adversary at the operator's terminal does is no part of the second question. */
  readonly by: 'agent' | 'time' | 'human' | 'adversary';
  readonly swap?: true;
}

const opened = (world: World, lane: Lane, role: string, bound: Bound, rules: Rules): World | null => {
  const id = Math.max(0, ...pending(world.queue).map((one) => one.id)) + 1;
  const queue = ask(world.queue, { id, lane, role }, rules, bound.places);
  return queue === null ? null : { ...world, queue };
};

const readings = (world: World, bound: Bound, rules: Rules): Move[] => {
  const { front } = world.queue;
  if (front === null) return [];
  const isHeld = world.known.some(({ step, shown }) => shown.includes(front.id) && isGood(world.queue, step, rules));
  if (isHeld && bound.eager !== true) return [];
  return [-1, 0, 1].map((drift) => {
    const step = stepOf(world.queue) + drift;
    const before = world.known.find((one) => one.step === step)?.shown ?? [];
    const others = world.known.filter((one) => one.step !== step);
    return { name: `read ${drift}`, by: 'human', to: { ...world, known: [...others, { step, shown: [...before, front.id] }] } };
  });
};

/** With the digest of the request itself, or of the one that was shown. */
const submissions = (world: World, rules: Rules): Move[] =>
  world.known.flatMap(({ step, shown }) =>
    pending(world.queue).map(({ id }): Move => {
      const given = { request: id, digestOf: id, matchOf: id, step };
      const { outcome, queue } = submit(world.queue, given, rules);
      const isSwap = outcome === 'approved' && !shown.includes(id);
      return { name: `submit ${step} for ${id}`, by: 'adversary', to: { ...world, queue }, ...(isSwap ? { swap: true } : {}) };
    }),
  );

/** Everything that can happen next. */
export const movesOf = (world: World, bound: Bound, rules: Rules): Move[] => {
  const { queue } = world;
  const asks = bound.roles.map((role): Move | null => {
    const to = opened(world, 'agent', role, bound, rules);
    return to === null ? null : { name: `ask ${role}`, by: 'agent', to };
  });
  const action = opened(world, 'operator', 'operator', bound, rules);
  const leaving = pending(queue).map(({ id }): Move => ({
    name: `leave ${id}`,
    by: 'time',
    to: { ...world, queue: leave(queue, id, rules) },
  }));
  const passing: Move = { name: 'pass', by: 'time', to: { ...world, queue: { ...queue, nowMs: queue.nowMs + PERIOD_MS } } };
  const all = [...asks, action === null ? null : { name: 'action', by: 'human' as const, to: action }, ...leaving, passing];
  return [...all.filter((move) => move !== null), ...readings(world, bound, rules), ...submissions(world, rules)];
};

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** The shortest way to a swap, or null. */
  readonly swap: readonly string[] | null;
}

interface Node {
  readonly world: World;
  readonly from: Node | null;
  readonly by: string;
}

const wayTo = (node: Node | null): string[] => (node === null || node.from === null ? [] : [...wayTo(node.from), node.by]);

export const startWorld = (): World =>
  normal({
    queue: { nowMs: START_MS, front: null, waiting: [], lastStep: 0, floorStep: 0, failures: 0, leftMs: null, coolOff: {} },
    known: [],
    own: null,
  });

/** Breadth first, so that what is found is shortest. Stops at the first swap. */
export const explore = (bound: Bound, rules: Rules = RULES): Explored => {
  const start: Node = { world: startWorld(), from: null, by: '' };
  const seen = new Set([keyOf(start.world)]);
  const queue: Node[] = [start];
  let transitions = 0;
  for (const node of queue) {
    for (const { name, to, swap } of movesOf(node.world, bound, rules)) {
      transitions += 1;
      if (swap) return { states: seen.size, transitions, swap: [...wayTo(node), name] };
      const world = normal(to);
      const key = keyOf(world);
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push({ world, from: node, by: name });
    }
  }
  return { states: seen.size, transitions, swap: null };
};

/** Open the own request; deny what is in front of it; wait for a code that can be good; give it. No other thought. */
export const operatorMove = (world: World, bound: Bound, rules: Rules): World | 'approved' => {
  const { queue, own } = world;
  if (own === null) {
    const to = opened(world, 'operator', 'operator', bound, rules);
    const victim = pending(queue)[0];
    if (to !== null) return { ...to, own: Math.max(...pending(to.queue).map(({ id }) => id)) };
    return victim === undefined ? world : { ...world, queue: leave(queue, victim.id, rules) };
  }
  const { front } = queue;
  if (front !== null && front.id !== own) return { ...world, queue: leave(queue, front.id, rules) };
  if (isGood(queue, stepOf(queue), rules)) return 'approved';
  return { ...world, queue: { ...queue, nowMs: queue.nowMs + PERIOD_MS } };
};

/** What agents and time may do meanwhile; the operator's own requests do not run out within the steps it takes (ten steps). */
const meanwhile = (world: World, bound: Bound, rules: Rules): World[] => {
  const operators = new Set(
    pending(world.queue)
      .filter(({ lane }) => lane === 'operator')
      .map(({ id }) => `leave ${id}`),
  );
  return movesOf(world, bound, rules)
    .filter(({ by, name }) => by === 'agent' || (by === 'time' && name !== 'pass' && !operators.has(name)))
    .map(({ to }) => to);
};

export interface Lockout {
  readonly states: number;
  /** The most moves of the operator until the approval, whatever agents do between them; null: some state has no end. */
  readonly operatorMoves: number | null;
}

interface Place {
  readonly next: readonly string[];
  readonly own: string;
}

/** Every state the operator and the agents can come to; no codes of others, for agents hold none. */
const playground = (bound: Bound, rules: Rules): Map<string, Place> => {
  const places = new Map<string, Place>();
  const open = [startWorld()];
  const noted = new Set([keyOf(open[0] ?? startWorld())]);
  const note = (to: World): string => {
    const world = normal(to);
    const key = keyOf(world);
    if (!noted.has(key)) {
      noted.add(key);
      open.push(world);
    }
    return key;
  };
  for (const world of open) {
    const mine = operatorMove(world, bound, rules);
    const next = meanwhile(world, bound, rules).map(note);
    // Approvals and time that passes without a move make other floors and last steps: they are states to start from as well.
    for (const { by, name, to } of movesOf(world, bound, rules))
      if (by === 'human' ? name === 'action' : name === 'pass') note(to);
    const burnt = Math.min(stepOf(world.queue) + 1, world.queue.lastStep + 3);
    note({ ...world, queue: { ...world.queue, lastStep: burnt } });
    places.set(keyOf(world), { next, own: mine === 'approved' ? 'approved' : note(mine) });
  }
  return places;
};

/** Whether the operator gets through from every state: an attractor, agents moving as often as they like between two moves. */
export const lockout = (bound: Bound, rules: Rules = RULES): Lockout => {
  const places = playground(bound, rules);
  const backwards = new Map<string, string[]>();
  for (const [key, { next }] of places) for (const to of next) backwards.set(to, [...(backwards.get(to) ?? []), key]);
  let won = new Set(['approved']);
  for (let moves = 1; moves <= 64; moves += 1) {
    const bad = [...places].filter(([, { own }]) => !won.has(own)).map(([key]) => key);
    const lost = new Set(bad);
    for (const key of bad)
      for (const before of backwards.get(key) ?? [])
        if (!lost.has(before)) {
          lost.add(before);
          bad.push(before);
        }
    if (lost.size === 0) return { states: places.size, operatorMoves: moves };
    won = new Set(['approved', ...[...places.keys()].filter((key) => !lost.has(key))]);
  }
  return { states: places.size, operatorMoves: null };
};
