/**
 * kill -9 of daemons and cells at random moments of a session: request, approval, call. Afterwards every lease that was handed out
 * is in the record, none is there twice, the register is what was recorded, every answered call is recorded, the vault opens, the log verifies.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addFixture,
  isAlive,
  openSession,
  pidsOf,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type ProgramName,
  type Running,
} from '@airlock/testkit';
import type { AccessRequestResult, AccessWaitResult, CallResult, LeaseView } from '@airlock/protocol';
import { Dice } from '../fire/dice.js';
import { approve, withTotp } from '../fire/operator.js';

/** Leases of one instance stay below their length while the clock moves with every code. */
const KILLS_A_BATCH = 40;
const PROGRAMS: readonly ProgramName[] = ['airlock-totp', 'airlock-gateway', 'airlock-cell'];
const LONGEST_DELAY_MS = 120;
/** A machine with much other work is no failure. */
const PATIENCE_MS = 300_000;
/** What a call is told whose process went away, a release ticket of an airlock-totp of before included (RELEASE-13). */
const UNANSWERED: ReadonlySet<string> = new Set(['UNAVAILABLE']);

export interface Killed {
  readonly kills: number;
  readonly leases: number;
  readonly calls: number;
  /** What was asked again, by the code it was told. */
  readonly unanswered: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

/** Leases and calls through kills; what is answered counts. */
class Session {
  readonly running: Running;
  readonly leases: string[] = [];
  /** The lease of each call that was answered. */
  readonly calls: string[] = [];
  kills = 0;
  readonly unanswered: Record<string, number> = {};
  #agent: AgentSession;
  readonly #dice: Dice;

  constructor(running: Running, agent: AgentSession, dice: Dice) {
    this.running = running;
    this.#agent = agent;
    this.#dice = dice;
  }

  async #again(): Promise<void> {
    const { resume } = this.#agent.hello;
    this.#agent.close();
    await untilServing(this.running, PATIENCE_MS);
    this.#agent = await openSession(this.running, { resume });
  }

  /** As a client does: what a killed process left unanswered is asked again. */
  #persistently<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return until(
      what,
      async () => {
        try {
          return { value: await attempt() };
        } catch (thrown) {
          const code = (thrown as { code?: string }).code ?? 'no code';
          if (!UNANSWERED.has(code)) throw thrown;
          this.unanswered[code] = (this.unanswered[code] ?? 0) + 1;
          await this.#again();
          return null;
        }
      },
      PATIENCE_MS,
    ).then(({ value }) => value);
  }

  async #kill(): Promise<void> {
    const program = this.#dice.pick(PROGRAMS);
    await new Promise((resolve) => setTimeout(resolve, this.#dice.below(LONGEST_DELAY_MS)));
    const pids = pidsOf(this.running, program).filter(isAlive);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    if (pids.length > 0) this.kills += 1;
  }

  /** One request up to a call under its lease, with kills somewhere in between. */
  async round(n: number): Promise<void> {
    const killed = this.#kill();
    const ask = { scopes: ['fixture:read'], reason: `round ${n}`, ttlS: 20_000 + n };
    const asked = await this.#persistently('a request', () => this.#agent.call<AccessRequestResult>('access.request', ask));
    const wait = (): Promise<AccessWaitResult> =>
      this.#agent.call<AccessWaitResult>('access.wait', { request: asked.request, timeoutS: 1 });
    const { lease } = await until(
      'the decision',
      async () => {
        await approve(this.running, asked.match);
        const result = await this.#persistently('an answer', wait);
        return result.status === 'pending' ? null : result;
      },
      PATIENCE_MS,
    );
    await killed;
    if (lease === undefined) return;
    this.leases.push(lease);
    const second = this.#kill();
    await this.#persistently('a call', () => this.echo(lease, `round ${n}`));
    await second;
    // Slots are few; the lease is kept, its cell is not.
    for (const pid of pidsOf(this.running, 'airlock-cell')) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }

  async echo(lease: string, text: string): Promise<void> {
    const call = { lease, service: 'fixture', operation: 'echo', params: { text } };
    const { result } = await this.#agent.call<CallResult>('call', call);
    if ((result as { text?: unknown }).text !== text) throw new Error(`echo of ${text} is ${JSON.stringify(result)}`);
    this.calls.push(idOf(lease));
  }

  /** The first lease still opens the vault once everything has calmed down. */
  async last(): Promise<void> {
    await this.#again();
    const [lease] = this.leases;
    if (lease !== undefined) await this.#persistently('the last call', () => this.echo(lease, 'last'));
  }

  register(): Promise<readonly LeaseView[]> {
    return this.#persistently('the register', () =>
      withTotp(this.running, (ask) => ask<{ leases: readonly LeaseView[] }>('leases')),
    ).then(({ leases }) => leases);
  }

  close(): void {
    this.#agent.close();
  }
}

interface Line {
  readonly event: string;
  readonly lease?: string;
  readonly operation?: string;
  readonly result?: string;
}
/** The log of a daemon, as it is on the disk. */
export const linesOf = (running: Running, daemon: 'totp' | 'gateway'): Line[] => {
  const dir = join(running.dir, 'i/state', daemon, 'audit');
  const text = readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(dir, name), 'utf8'))
    .join('');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
};

const idOf = (lease: string): string =>
  (JSON.parse(Buffer.from(lease.split('.')[1] ?? '', 'base64url').toString()) as { id: string }).id;

/** What was handed out and answered, and what the record and the register say of it. */
export interface Facts {
  readonly issued: readonly string[];
  readonly live: readonly string[];
  readonly handedOut: readonly string[];
  /** The lease of each call that was answered, and of each that is in the record as done: a call that was asked again stands for itself alone. */
  readonly calls: readonly string[];
  readonly recorded: readonly string[];
}

/**
 * The record comes first: a kill between it and the register leaves a lease that is recorded and does not exist, and was given to nobody.
 * Pure, so that a lost lease, an invented one and a call off the record can be shown to be found.
 */
export const problemsIn = ({ issued, live, handedOut, calls, recorded }: Facts): string[] => {
  const problems: string[] = [];
  if (new Set(issued).size !== issued.length) problems.push('a lease was issued twice');
  if (live.some((id) => !issued.includes(id))) problems.push('the register has a lease that is not in the record');
  const gone = handedOut.filter((id) => !live.includes(id));
  if (gone.length > 0) problems.push(`the register lost ${gone.length} leases that were handed out`);
  if (handedOut.some((id) => !issued.includes(id))) problems.push('a lease was handed out that is not in the record');
  const timesIn = (all: readonly string[], id: string): number => all.filter((one) => one === id).length;
  const off = [...new Set(calls)].filter((id) => timesIn(recorded, id) < timesIn(calls, id));
  if (off.length > 0) problems.push(`calls of ${off.length} leases were answered and are not in the record`);
  return problems;
};

const judge = async (session: Session): Promise<string[]> => {
  await session.last();
  const { running, leases, calls } = session;
  const issued = linesOf(running, 'totp').flatMap(({ event, lease }) =>
    event === 'lease_issued' && lease !== undefined ? [lease] : [],
  );
  const live = (await session.register()).map(({ id }) => id);
  const recorded = linesOf(running, 'gateway').flatMap(({ event, lease, result }) =>
    event === 'operation' && result === 'ok' && lease !== undefined ? [lease] : [],
  );
  const problems = problemsIn({ issued, live, handedOut: leases.map(idOf), calls, recorded });
  const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
  if (verified.status !== 0) problems.push(`audit verify: ${verified.stdout}`);
  return problems;
};

const batch = async (kills: number, seed: number): Promise<Killed> => {
  const running = await startWithFixture({ cells: 4 });
  try {
    await addFixture(running);
    const session = new Session(running, await openSession(running), new Dice(seed, 'kills'));
    let problems: readonly string[];
    try {
      for (let n = 0; session.kills < kills; n += 1) await session.round(n);
      problems = await judge(session);
    } catch (thrown) {
      problems = [`after ${session.kills} kills: ${String(thrown)}`];
    }
    session.close();
    return {
      kills: session.kills,
      leases: session.leases.length,
      calls: session.calls.length,
      unanswered: session.unanswered,
      problems,
    };
  } finally {
    await running.stop();
  }
};

/** In batches, each an instance of its own. */
export const killThrough = async (kills: number, seed: number): Promise<Killed> => {
  let all: Killed = { kills: 0, leases: 0, calls: 0, unanswered: {}, problems: [] };
  for (let index = 0; all.kills < kills; index += 1) {
    const one = await batch(Math.min(KILLS_A_BATCH, kills - all.kills), seed + index);
    const problems = [...all.problems, ...one.problems.map((problem) => `seed ${seed + index}: ${problem}`)];
    const unanswered = { ...all.unanswered };
    for (const [code, count] of Object.entries(one.unanswered)) unanswered[code] = (unanswered[code] ?? 0) + count;
    all = { kills: all.kills + one.kills, leases: all.leases + one.leases, calls: all.calls + one.calls, unanswered, problems };
    if (problems.length > 0) break;
  }
  return all;
};
