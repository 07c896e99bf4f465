/** The real queue code beside the model, through the same random moves: after each, both have to say the same. */
import { sha256Hex } from '@airlock/protocol';
import type * as CoolOff from '../../packages/totp/src/queue/cool-off.js';
import type * as Leave from '../../packages/totp/src/queue/leave.js';
import type * as Open from '../../packages/totp/src/queue/open.js';
import type * as State from '../../packages/totp/src/queue/state.js';
import type * as Submit from '../../packages/totp/src/queue/submit.js';
import { Dice } from '../fire/dice.js';
import { inside } from '../fire/packages.js';
import * as model from './model.js';

const at = (name: string): Promise<unknown> => inside(`totp/dist/src/queue/${name}.js`);
const { startCoolOff } = (await at('cool-off')) as typeof CoolOff;
const { expireRequests, leaveQueue, raiseFloor } = (await at('leave')) as typeof Leave;
const { decideAgentPlace, decideOperatorPlace, enqueue } = (await at('open')) as typeof Open;
const { emptyState, pendingOf } = (await at('state')) as typeof State;
const { decideSubmission, needsMatch } = (await at('submit')) as typeof Submit;

const TTL_MS = 300_000;
const ROLES = ['a', 'b', 'c', 'd'] as const;
const START_MS = 1_000_000_000;

/** The code of a step is the step; the digest of a request comes from its id, as its text does. */
const digests = new Map<number, string>();
const digestOf = (id: number): string => {
  const known = digests.get(id) ?? sha256Hex(`request ${id}`);
  digests.set(id, known);
  return known;
};
const matchOf = (id: number): string => String(id % 100).padStart(2, '0');

export interface Played {
  readonly moves: number;
  readonly approvals: number;
  /** Approvals with a code that was read for something else. */
  readonly swaps: number;
  /** What differed first, or null. */
  readonly difference: string | null;
}

/** One run of both. */
class Run {
  readonly #dice: Dice;
  readonly #floorRule: Leave.FloorRule;
  #model = model.emptyQueue(START_MS);
  #state = emptyState('b');
  #ids = 0;
  readonly #created = new Map<number, number>();
  readonly #read: { readonly step: number; readonly shown: number }[] = [];
  approvals = 0;
  swaps = 0;

  constructor(dice: Dice, floorRule: Leave.FloorRule) {
    this.#dice = dice;
    this.#floorRule = floorRule;
  }

  get #now(): State.Now {
    const { nowMs } = this.#model;
    return { wallMs: nowMs, bootMs: nowMs, bootId: 'b', step: model.stepOf(this.#model), periodS: model.PERIOD_MS / 1000 };
  }

  /** @returns how model and code differ after one move, or null. */
  step(): string | null {
    const draw = this.#dice.below(14);
    if (draw < 3) return this.#ask('agent') ?? this.#compare('ask');
    if (draw < 4) return this.#ask('operator') ?? this.#compare('action');
    if (draw < 7) this.#readCode();
    else if (draw < 11) return this.#submit() ?? this.#compare('submit');
    else if (draw < 12) this.#deny();
    else this.#pass(this.#dice.pick([1, 5, 10, 20, 30, 60, 320]) * 1000);
    return this.#compare(draw < 12 ? 'deny' : 'pass');
  }

  #ask(lane: model.Lane): string | null {
    const id = (this.#ids += 1);
    const role = lane === 'operator' ? 'operator' : this.#dice.pick(ROLES);
    const refusal =
      lane === 'agent' ? decideAgentPlace(this.#state, role, this.#now) : decideOperatorPlace(this.#state, this.#now);
    const next = model.ask(this.#model, { id, lane, role });
    if ((refusal === null) !== (next !== null)) return `a place for ${lane} ${role}: ${refusal?.code ?? 'given'}`;
    if (next === null) return null;
    this.#model = next;
    this.#created.set(id, this.#model.nowMs);
    this.#state = enqueue(this.#state, this.#request(id, lane, role));
    return null;
  }

  #request(id: number, lane: model.Lane, role: string): State.QueuedRequest {
    const { nowMs } = this.#model;
    const times = { createdMs: nowMs, expiresMs: nowMs + TTL_MS, bootDeadlineMs: nowMs + TTL_MS };
    const asked = { kind: 'lease' as const, scopes: ['gmail:read'], reason: '', intent: null, constraints: {}, budget: null };
    const shown = { match: matchOf(id), text: '', digest: digestOf(id), summary: '' };
    return { id: String(id), lane, role, session: 's', ttlS: 60, action: null, ...asked, ...times, ...shown };
  }

  /** As in explore.ts: another code for the same display only once the one read for it is over. */
  #readCode(): void {
    const shown = this.#model.front?.id;
    const isHeld = this.#read.some((one) => one.shown === shown && model.isGood(this.#model, one.step));
    if (shown !== undefined && !isHeld)
      this.#read.push({ step: model.stepOf(this.#model) + this.#dice.pick([-1, 0, 0, 1]), shown });
  }

  /** Mostly what an adversary would try first: the newest code on the front, with the front's own digest and match. */
  #submit(): string | null {
    const all = model.pending(this.#model);
    const code = this.#read.at(-1 - this.#dice.pick([0, 0, 0, 1, 2]));
    const request = all[this.#dice.pick([0, 0, 0, 0, 1])]?.id ?? 0;
    const other = all[this.#dice.below(all.length)]?.id ?? 0;
    const given: model.Given = {
      request,
      digestOf: this.#dice.chance(8) ? other : request,
      matchOf: this.#dice.pick([request, request, request, request, null, -1]),
      step: this.#dice.chance(16) ? null : (code?.step ?? null),
    };
    const said = model.submit(this.#model, given);
    const match = given.matchOf === null ? null : given.matchOf === -1 ? 'xx' : matchOf(given.matchOf);
    const asked = {
      request: String(request),
      digest: digestOf(given.digestOf),
      match,
      channel: 'terminal' as const,
      isOpener: true,
    };
    const { verdict, state } = decideSubmission(this.#state, asked, this.#now, (steps) =>
      given.step !== null && steps.includes(given.step) ? given.step : null,
    );
    if (verdict.kind !== said.outcome) return `submission ${JSON.stringify(given)}: ${verdict.kind}, not ${said.outcome}`;
    this.#model = said.queue;
    this.#state = verdict.kind === 'approved' ? this.#approved(state, request, given.step ?? -1) : state;
    // Ten failures end every run: now and then another channel's good code clears them (QUEUE-9).
    if (this.#model.failures >= 10 && this.#dice.chance(2)) this.#clear();
    return null;
  }

  #approved(state: State.OperatorState, request: number, step: number): State.OperatorState {
    this.approvals += 1;
    if (!this.#read.some((one) => one.step === step && one.shown === request)) this.swaps += 1;
    return leaveQueue(state, String(request), { status: 'approved', reason: null, lease: null }, this.#now, this.#floorRule);
  }

  #clear(): void {
    this.#model = { ...this.#model, failures: 0 };
    this.#state = { ...this.#state, failures: { terminal: 0, relay: 0 } };
  }

  #deny(): void {
    const all = model.pending(this.#model);
    const chosen = all[this.#dice.below(all.length)];
    if (chosen === undefined) return;
    const leaving = { status: 'denied', reason: null, lease: null } as const;
    this.#state = leaveQueue(this.#state, String(chosen.id), leaving, this.#now, this.#floorRule);
    if (chosen.lane === 'agent') this.#state = startCoolOff(this.#state, chosen.role, this.#now);
    this.#model = model.deny(this.#model, chosen.id);
  }

  #pass(ms: number): void {
    this.#model = { ...this.#model, nowMs: this.#model.nowMs + ms };
    for (const { id } of model.pending(this.#model))
      if (this.#model.nowMs - (this.#created.get(id) ?? 0) >= TTL_MS) this.#model = model.leave(this.#model, id);
    this.#state = expireRequests(this.#state, this.#now, this.#floorRule).state;
  }

  #compare(after: string): string | null {
    const [mine, real] = [this.#model, this.#state];
    const say = (what: string, found: unknown, expected: unknown): string =>
      `after ${after}: ${what} is ${String(found)}, not ${String(expected)}`;
    const line = pendingOf(real)
      .map(({ id }) => id)
      .join();
    const wanted = model
      .pending(mine)
      .map(({ id }) => id)
      .join();
    if (line !== wanted) return say('the queue', line, wanted);
    if (real.floorStep !== mine.floorStep) return say('the floor', real.floorStep, mine.floorStep);
    if (real.lastStep !== mine.lastStep) return say('the last step', real.lastStep, mine.lastStep);
    if (real.failures.terminal !== mine.failures) return say('failures', real.failures.terminal, mine.failures);
    if (needsMatch(real, this.#now) !== model.needsMatch(mine))
      return say('needsMatch', needsMatch(real, this.#now), model.needsMatch(mine));
    return null;
  }
}

const MOVES_A_RUN = 24;

/** @param withFloor false: the real code without its floor rule, the negative control */
export const interleave = (runs: number, seed: number, withFloor = true): Played => {
  let [moves, approvals, swaps] = [0, 0, 0];
  const floorRule: Leave.FloorRule = withFloor ? raiseFloor : (state, now) => ({ ...state, leftBootMs: now.bootMs });
  for (let index = 0; index < runs; index += 1) {
    const run = new Run(new Dice(seed + index, 'queue'), floorRule);
    for (let move = 0; move < MOVES_A_RUN; move += 1) {
      const difference = run.step();
      moves += 1;
      if (difference !== null)
        return { moves, approvals, swaps: swaps + run.swaps, difference: `run ${seed + index}: ${difference}` };
    }
    approvals += run.approvals;
    swaps += run.swaps;
  }
  return { moves, approvals, swaps, difference: null };
};
