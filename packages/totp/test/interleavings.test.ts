/**
 * QUEUE-1 to QUEUE-6 under an adversary: no code approves what was not on display when the code was read.
 *
 * The model: a human reads the front (its text, its digest) and then the phone, whose clock is up to one step off, and
 * gives one code for what was read. The adversary sees every code as it is read, opens requests, lets them expire, has
 * them denied, and submits any code it has seen for any request, with any digest and match number, at any time.
 * AIRLOCK_TEST_INTERLEAVINGS sets the number of runs.
 */
import fc from 'fast-check';
import t from 'tap';
import { sha256Hex } from '@airlock/protocol';
import { expireRequests, leaveQueue, raiseFloor, type FloorRule } from '../src/queue/leave.js';
import { enqueue } from '../src/queue/open.js';
import { emptyState, pendingOf, type Now, type OperatorState, type QueuedRequest } from '../src/queue/state.js';
import { decideSubmission } from '../src/queue/submit.js';

const RUNS = Number(process.env['AIRLOCK_TEST_INTERLEAVINGS'] ?? 20_000);
const PERIOD_S = 30;

type Move =
  | { readonly kind: 'ask'; readonly lane: 'agent' | 'operator' }
  | { readonly kind: 'read'; readonly drift: number }
  | { readonly kind: 'submit'; readonly code: number; readonly target: number; readonly ownDigest: boolean }
  | { readonly kind: 'deny'; readonly target: number }
  | { readonly kind: 'expire' }
  | { readonly kind: 'pass'; readonly seconds: number };

const ask = fc.record({ kind: fc.constant('ask' as const), lane: fc.constantFrom('agent' as const, 'operator' as const) });
const read = fc.record({ kind: fc.constant('read' as const), drift: fc.constantFrom(-1, 0, 0, 1) });
/** Mostly what an adversary would try first: the newest code on the front, with the front's own digest. */
const submit = fc.record({
  kind: fc.constant('submit' as const),
  code: fc.constantFrom(0, 0, 0, 1, 2),
  target: fc.constantFrom(0, 0, 0, 0, 1),
  ownDigest: fc.constantFrom(true, true, false),
});
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 2, arbitrary: ask },
  { weight: 3, arbitrary: read },
  { weight: 4, arbitrary: submit },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deny' as const), target: fc.constantFrom(0, 0, 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.constantFrom(1, 5, 10, 20, 30, 60) }) },
);
const runs = fc.tuple(ask, ask, read, fc.array(moves, { minLength: 4, maxLength: 20, size: 'max' }));

/** A code that was read: which step it belongs to, and what was on display. */
interface ReadCode {
  readonly step: number;
  readonly shown: string;
}

/** One run of the model. The "code" of a step is the step itself, so that no two steps share one. */
class World {
  state: OperatorState = emptyState('b');
  wallS = 1_000_000;
  readonly read: ReadCode[] = [];
  approvals = 0;
  /** Approvals with a code that was read while another request was on display. */
  swapped = 0;
  #count = 0;
  readonly #floorRule: FloorRule;

  constructor(floorRule: FloorRule) {
    this.#floorRule = floorRule;
  }

  get now(): Now {
    return {
      wallMs: this.wallS * 1000,
      bootMs: this.wallS * 1000,
      bootId: 'b',
      step: Math.floor(this.wallS / PERIOD_S),
      periodS: PERIOD_S,
    };
  }

  do(move: Move): void {
    if (move.kind === 'ask') this.#ask(move.lane);
    else if (move.kind === 'read') this.#read(move.drift);
    else if (move.kind === 'submit') this.#submit(move);
    else if (move.kind === 'deny') this.#leave(move.target, 'denied');
    else if (move.kind === 'expire') this.#leave(0, 'expired');
    else this.#pass(move.seconds);
  }

  #ask(lane: 'agent' | 'operator'): void {
    if (pendingOf(this.state).length >= 6) return;
    this.#count += 1;
    const id = `r-${this.#count}`;
    const times = { createdMs: this.now.wallMs, expiresMs: this.now.wallMs + 300_000, bootDeadlineMs: this.now.bootMs + 300_000 };
    const request: QueuedRequest = {
      ...times,
      id,
      lane,
      kind: 'lease',
      role: 'default',
      session: 's',
      scopes: ['gmail:read'],
      reason: id,
      intent: null,
      constraints: {},
      budget: null,
      ttlS: 60,
      action: null,
      match: String(this.#count % 100).padStart(2, '0'),
      text: id,
      digest: sha256Hex(id),
      summary: id,
    };
    this.state = enqueue(this.state, request);
  }

  /** The human reads one code for a display; another one only when something else is on display. */
  #read(drift: number): void {
    const shown = this.state.front?.id;
    if (shown === undefined || this.read.some((one) => one.shown === shown)) return;
    this.read.push({ step: this.now.step + drift, shown });
  }

  #leave(target: number, status: 'denied' | 'expired'): void {
    const request = pendingOf(this.state)[target];
    if (request !== undefined)
      this.state = leaveQueue(this.state, request.id, { status, reason: null, lease: null }, this.now, this.#floorRule);
  }

  #pass(seconds: number): void {
    this.wallS += seconds;
    this.state = expireRequests(this.state, this.now, this.#floorRule).state;
  }

  #submit({ code, target, ownDigest }: Extract<Move, { kind: 'submit' }>): void {
    // The newest codes are the ones worth trying.
    const read = this.read.at(-1 - code);
    const request = pendingOf(this.state)[target];
    if (read === undefined || request === undefined) return;
    const digest = ownDigest ? request.digest : sha256Hex(read.shown);
    const submission = { request: request.id, digest, match: request.match, channel: 'terminal' as const, isOpener: true };
    const { verdict, state } = decideSubmission(this.state, submission, this.now, (steps) =>
      steps.includes(read.step) ? read.step : null,
    );
    // The adversary must not lock the channel, or nothing would be tried.
    this.state = { ...state, failures: { terminal: 0, relay: 0 } };
    if (verdict.kind !== 'approved') return;
    this.approvals += 1;
    if (verdict.request.id !== read.shown) this.swapped += 1;
    this.state = leaveQueue(this.state, request.id, { status: 'approved', reason: null, lease: null }, this.now, this.#floorRule);
  }
}

const play = (floorRule: FloorRule, count: number): { approvals: number; swapped: number } => {
  let approvals = 0;
  let swapped = 0;
  fc.assert(
    fc.property(runs, ([first, second, third, rest]) => {
      const world = new World(floorRule);
      for (const move of [first, second, third, ...rest]) world.do(move);
      approvals += world.approvals;
      swapped += world.swapped;
    }),
    { numRuns: count, seed: 6238 },
  );
  return { approvals, swapped };
};

t.test(`QUEUE-5: over ${RUNS} interleavings no code approves what was not on display when it was read`, (t) => {
  const { approvals, swapped } = play(raiseFloor, RUNS);
  t.ok(approvals > RUNS / 4, `the model approves at all: ${approvals}`);
  t.equal(swapped, 0);
  t.end();
});

t.test('negative control: without the floor rule codes approve what was never shown with them', (t) => {
  const { swapped } = play((state) => state, RUNS);
  t.ok(swapped > 0, `${swapped} swaps`);
  t.end();
});
