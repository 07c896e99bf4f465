/** What attacks need beyond the testkit: the operator's sockets as airlock-ctl speaks on them, kills, and all that is on disk. */
import { connectSocket, type Connection } from '@airlock/ipc';
import type { AirlockError, ApproveResult, CheckpointResult, PendingResult, ShownRequest } from '@airlock/protocol';
import { checkout, codeAt, type AgentSession, type Running } from '@airlock/testkit';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STEP_MS = 30_000;
const KEY_FRAME_BYTES = 8192;

/** A connection to one of the instance's sockets, by its name. */
export const connectTo = (running: Running, name: string): Promise<Connection> =>
  connectSocket(running.sockets[name] ?? '', { limits: { maxBinaryBytes: KEY_FRAME_BYTES } });

export const ask = async <T>(link: Connection, method: string, params: object = {}): Promise<T> =>
  (await link.call(method, params)) as T;

export const pendingOn = (link: Connection): Promise<PendingResult> => ask<PendingResult>(link, 'pending');

/** What is in front. @throws Error where nothing is */
export const frontOf = async (link: Connection): Promise<ShownRequest> => {
  const { front } = await pendingOn(link);
  if (front === null) throw new Error('nothing is in front');
  return front;
};

/** A configuration directory with this airlock.yaml; it goes with the temporary directory of the tests. */
export const configWith = (yaml: string): string => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  writeFileSync(join(dir, 'airlock.yaml'), yaml);
  return dir;
};

/** For attacks that have to go on where an agent would long be blocked. */
export const UNWATCHED =
  'anomalies: {calls_per_minute: 1000000, denials_per_5_minutes: 1000000, errors_per_minute: 1000000, unknown_ids_per_5_minutes: 10000, probed_scopes_per_5_minutes: 10000, codes_per_hour: 1000}\n';

/** What the phone shows now, or so many steps from now. */
export const codeNow = ({ secret, clock }: Running, steps = 0): string => codeAt(secret, clock.wallMs() + steps * STEP_MS);

/** A code that can be accepted: moves the clock past the floor and the last used step. */
export const goodCode = async (running: Running, link: Connection): Promise<string> => {
  const { front } = await pendingOn(link);
  running.clock.advance((front?.waitS ?? 0) * 1000);
  return codeNow(running);
};

/** The parameters of an honest submission for what was shown. */
export const submissionFor = (shown: ShownRequest, code: string): Record<string, string> => ({
  request: shown.id,
  digest: shown.digest,
  match: shown.match,
  code,
});

export const submit = (link: Connection, shown: ShownRequest, code: string): Promise<ApproveResult> =>
  ask<ApproveResult>(link, 'request.approve', submissionFor(shown, code));

/** Approves what is in front as an operator does who reads it. */
export const approveShown = async (running: Running, link: Connection): Promise<ApproveResult> => {
  const code = await goodCode(running, link);
  return submit(link, await frontOf(link), code);
};

/** The error a promise rejects with. @throws Error where it resolves */
export const errorOf = async (promise: Promise<unknown>): Promise<AirlockError> => {
  try {
    await promise;
  } catch (error) {
    return error as AirlockError;
  }
  throw new Error('it was not refused');
};

/** Asks again while the answer is an error or not the one wanted; a daemon that starts gives no other sign. */
export const until = async <T>(attempt: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> => {
  const end = performance.now() + 8000;
  for (;;) {
    const value = await attempt().catch(() => null);
    if (value !== null && isDone(value)) return value;
    if (performance.now() > end) throw new Error(`it did not come about; last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

/** kill -9 of a daemon of this instance; resolves when it is gone. The launcher starts the next one. */
export const killHard = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGKILL');
  await until(
    () => Promise.resolve(isGone(pid)),
    (gone) => gone,
  );
};

const once = async <T>(running: Running, name: string, method: string): Promise<T> => {
  const link = await connectTo(running, name);
  try {
    return (await link.call(method, {}, { timeoutMs: 2000 })) as T;
  } finally {
    link.close();
  }
};

/** Resolves when both daemons answer and hear each other: a head goes over the bridge to be signed. */
export const untilServing = async (running: Running): Promise<void> => {
  await until(
    () => once<{ sealed: unknown }>(running, 'approve/default', 'status'),
    ({ sealed }) => sealed === null,
  );
  await until(
    () => once<CheckpointResult>(running, 'operator/default', 'audit.checkpoint'),
    ({ head }) => head !== '',
  );
};

/** Every file of the instance below one of its directories, by path. */
export const filesBelow = (dir: string): ReadonlyMap<string, Buffer> =>
  new Map(
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .map((file) => join(dir, file))
      .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
      .map((file) => [file, readFileSync(file)]),
  );

/** Files of both daemons' state that hold the text. */
export const stateHolding = (running: Running, text: string): string[] =>
  [...filesBelow(running.env['AIRLOCK_STATE_DIR'] ?? '')].filter(([, bytes]) => bytes.includes(text)).map(([file]) => file);

export interface AuditRecord {
  readonly event: string;
  readonly code?: string;
  readonly count?: number;
  readonly [field: string]: unknown;
}

/** Records of both logs. */
export const auditOf = async (running: Running, event?: string): Promise<readonly AuditRecord[]> => {
  const result = await running.command('airlock-ctl', ['audit', '--json', ...(event === undefined ? [] : ['--event', event])]);
  return result.json as readonly AuditRecord[];
};

export const listMessages = (agent: AgentSession, lease: string, params: object = {}): Promise<unknown> =>
  agent.call('call', { lease, service: 'mail', operation: 'list_messages', params });

export const countUnread = (agent: AgentSession, lease: string): Promise<unknown> =>
  agent.call('call', { lease, service: 'mail', operation: 'count_unread', params: {} });

/** A compiled module of a package, for negative controls that take a rule out of it. */
export const compiled = async (path: string): Promise<unknown> => import(join(checkout, 'packages', path));
