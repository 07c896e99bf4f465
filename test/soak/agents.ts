/** Agents that come at the same time, get leases, read mail, call tools, write with an approval of its own, and go or let it run out. */
import { openSession, until, type AgentSession } from '@airlock/testkit';
import type { AccessRequestResult, AccessWaitResult, AirlockError } from '@airlock/protocol';
import type { Dice } from '../fire/dice.js';
import { withTotp } from '../fire/operator.js';
import type { House } from './house.js';
import type { Hourglass } from './hourglass.js';
import type { Operator, Wish } from './operator.js';

/** What agents did and were told, to be found in the record and on the servers. */
export interface Counts {
  leases: number;
  reads: number;
  ran: number;
  denied: number;
  deniedOperations: number;
  /** Which waited for ten minutes of the clock behind the codes of others. */
  expiredOperations: number;
  released: number;
  revoked: number;
  expired: number;
  asked: number;
  /** Operations that were asked for while the queue was full or after a denial: told before they are refused. */
  turnedAway: number;
  /** Calls whose cell ended: by its watchdog, where the machine left it standing for two seconds. */
  cut: number;
  /** Approved operations that ended so, and what they would have written. */
  cutOperations: number;
  readonly unclear: string[];
  readonly drafts: string[];
  readonly sent: string[];
}

export const noCounts = (): Counts => ({
  ...{
    leases: 0,
    reads: 0,
    ran: 0,
    denied: 0,
    deniedOperations: 0,
    expiredOperations: 0,
    released: 0,
    revoked: 0,
    expired: 0,
    asked: 0,
  },
  ...{ turnedAway: 0, cut: 0, cutOperations: 0, unclear: [], drafts: [], sent: [] },
});

/** Longer than any cycle on the clock that codes move, shorter than what ends it. */
const TTL_S = 3600;
/** A machine with much other work is no failure. */
export const PATIENCE_MS = 600_000;
const BACK_OFF_MS = 10_000;
/** A machine that does not get cells going in time gets more of it. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8000;
const SCOPES = ['mail:read', 'mail:write', 'tools:read', 'tools:write'];
const READS = [
  ['mail', 'list_folders'],
  ['mail', 'list_messages'],
  ['tools', 'fine'],
  ['mail', 'list_messages'],
  ['tools', 'fine'],
] as const;
/** One in so many is refused by the operator. */
const ONE_DENIED_IN = 6;

/** Of an approved operation whose cell ended: nothing happened, or nobody knows. */
const CUT: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OUTCOME_UNKNOWN']);

const codeOf = (thrown: unknown): string => (thrown as { code?: string }).code ?? '';

/** What all agents of a cycle share. */
export interface Floor {
  readonly house: House;
  readonly operator: Operator;
  readonly glass: Hourglass;
  readonly counts: Counts;
}
/** One agent's own. */
export interface Part {
  readonly dice: Dice;
  readonly role: string;
  readonly name: string;
  /** Of the session it comes back to. */
  readonly resume: string | undefined;
  readonly came: (resume: string) => void;
}

class Visit {
  readonly #house: House;
  readonly #operator: Operator;
  readonly #glass: Hourglass;
  readonly #counts: Counts;
  readonly #dice: Dice;
  readonly #agent: AgentSession;
  readonly #name: string;

  constructor({ house, operator, glass, counts }: Floor, { dice, name }: Part, agent: AgentSession) {
    this.#house = house;
    this.#operator = operator;
    this.#glass = glass;
    this.#counts = counts;
    this.#dice = dice;
    this.#agent = agent;
    this.#name = name;
  }

  /** Waits out what asks for patience: a place in the queue, or the time after a denial, on the clock that is moved by hand. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    for (let turn = 0; turn < 60; turn += 1) {
      try {
        return await attempt();
      } catch (thrown) {
        if (codeOf(thrown) !== 'RATE_LIMITED') throw thrown;
        await this.#glass.move(BACK_OFF_MS);
      }
    }
    throw new Error('RATE_LIMITED sixty times');
  }

  /** As a client does: once more where a cell ended, which is in the record as a call of its own. */
  async #persistently<T>(attempt: () => Promise<T>): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
      try {
        return await this.#glass.still(attempt);
      } catch (thrown) {
        const { code, data } = thrown as AirlockError;
        if (code !== 'UNAVAILABLE' || performance.now() > end) throw thrown;
        if (data.audit !== undefined) this.#counts.cut += 1;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  /** @returns the lease, or null where the operator denied it */
  async #access(wish: Wish): Promise<string | null> {
    const ask = { scopes: SCOPES, reason: 'soak', ttlS: TTL_S };
    for (;;) {
      const { request, match } = await this.#patiently(() => this.#agent.call<AccessRequestResult>('access.request', ask));
      const settle = this.#operator.wish(match, wish);
      const decided = await until('a decision', () => this.#decision(request), PATIENCE_MS).finally(settle);
      if (decided.status === 'denied') return null;
      if (decided.lease !== undefined) return decided.lease;
    }
  }

  async #decision(request: string): Promise<AccessWaitResult | null> {
    const found = await this.#agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 10 });
    return found.status === 'pending' ? null : found;
  }

  async #read(lease: string): Promise<void> {
    for (const [service, operation] of READS) {
      await this.#persistently(() => this.#agent.call('call', { lease, service, operation, params: {} }));
      this.#counts.reads += 1;
    }
  }

  #write(): { readonly service: string; readonly operation: string; readonly params: object; readonly kept: string[] | null } {
    const subject = `soak ${this.#name}`;
    const message = { to: ['bob@example.org'], subject, text: 'Hello' };
    const { drafts, sent } = this.#counts;
    return this.#dice.pick([
      { service: 'mail', operation: 'save_draft', params: message, kept: drafts },
      { service: 'mail', operation: 'send_message', params: message, kept: sent },
      { service: 'tools', operation: 'change', params: {}, kept: null },
    ]);
  }

  /** An operation with an approval of its own, to its end. */
  async #operate(lease: string): Promise<void> {
    const { kept, ...order } = this.#write();
    const pending = await this.#patiently(() =>
      this.#persistently(() =>
        this.#agent.call('call', { lease, ...order }).then(
          () => Promise.reject(new Error(`${order.operation} ran without an approval`)),
          (thrown: unknown) => {
            if (codeOf(thrown) === 'APPROVAL_PENDING') return thrown as AirlockError;
            if (codeOf(thrown) === 'RATE_LIMITED') this.#counts.turnedAway += 1;
            throw thrown as Error;
          },
        ),
      ),
    );
    this.#counts.asked += 1;
    const { request = '' } = pending.data;
    const [, match = ''] = /\(match (\d+)\)/.exec(pending.message) ?? [];
    const settle = this.#operator.wish(match, this.#dice.chance(ONE_DENIED_IN) ? 'deny' : 'approve');
    const ending = await until('the end of an operation', () => this.#outcome(request), PATIENCE_MS).finally(settle);
    const subject = String((order.params as { subject?: string }).subject);
    if (ending === 'ok') {
      this.#counts.ran += 1;
      kept?.push(subject);
    } else if (CUT.has(ending)) {
      this.#counts.cutOperations += 1;
      if (kept !== null) this.#counts.unclear.push(subject);
    } else if (ending === 'APPROVAL_DENIED') this.#counts.deniedOperations += 1;
    else if (ending === 'APPROVAL_EXPIRED') this.#counts.expiredOperations += 1;
    else throw new Error(`${order.operation} ended with ${ending}`);
  }

  #outcome(request: string): Promise<string | null> {
    return this.#agent.call('call.result', { request }).then(
      () => 'ok',
      (thrown: unknown) => (codeOf(thrown) === 'APPROVAL_PENDING' ? null : codeOf(thrown)),
    );
  }

  async #leave(lease: string): Promise<void> {
    const way = this.#dice.below(3);
    if (way === 0) {
      this.#counts.expired += 1;
    } else if (way === 1) {
      await this.#agent.call('access.release', { lease });
      this.#counts.released += 1;
    } else {
      const { id } = JSON.parse(Buffer.from(lease.split('.')[1] ?? '', 'base64url').toString()) as { id: string };
      await withTotp(this.#house.running, (ask) => ask('revoke', { lease: id }));
      this.#counts.revoked += 1;
    }
  }

  async run(): Promise<void> {
    if (this.#dice.chance(ONE_DENIED_IN)) {
      const lease = await this.#access('deny');
      if (lease !== null) throw new Error('what was denied gave a lease');
      this.#counts.denied += 1;
    }
    const lease = await this.#access('approve');
    if (lease === null) throw new Error('what was approved was denied');
    this.#counts.leases += 1;
    await this.#read(lease);
    if (!this.#dice.chance(3)) await this.#operate(lease);
    await this.#leave(lease);
  }
}

/** One agent from hello to its end. */
export const visit = async (floor: Floor, part: Part): Promise<void> => {
  const { role, resume } = part;
  const agent = await openSession(floor.house.running, { role, ...(resume === undefined ? {} : { resume }) });
  try {
    part.came(agent.hello.resume);
    await new Visit(floor, part, agent).run();
  } finally {
    agent.close();
  }
};
