/** The daemon: state, sockets, tick. Started by main.ts, dev/main.ts and tests. */
import type { Listening, SocketServer } from '@airlock/ipc';
import type { openLog } from '@airlock/audit';
import {
  AirlockError,
  asAirlockError,
  systemClock,
  systemTimers,
  type Clock,
  type CompiledConfig,
  type TimerHandle,
  type Timers,
} from '@airlock/protocol';
import { ActionWaiters } from './approve/action-wait.js';
import { serveApprove } from './approve/serve.js';
import { serveBridge } from './bridge/serve.js';
import { TOTP_LOG } from './heads/heads.js';
import { openHouse } from './house.js';
import { retention } from './heads/retention.js';
import { logDirOf } from './heads/segments.js';
import { TOTP_LIMITS } from './limits.js';
import type { House } from './operators/house.js';
import { VERSION } from './operators/status.js';
import { servePresence } from './presence/serve.js';
import { OpenReleases } from './release/open-releases.js';
import { expireReleases, followRegister, serveRelease } from './release/serve.js';
import { serveRoot } from './root/serve.js';
import { serveSealed } from './sealed.js';
import { systemRandom, type Random } from './state/random.js';
import type { StateFs } from './state/state-fs.js';

/** A listening socket and its name as in LISTEN_FDNAMES: `approve/OP`, `bridge`, `presence`, `release`, `root`. */
export type Sockets = ReadonlyMap<string, Listening>;

export interface TotpOptions {
  readonly sockets: Sockets;
  readonly stateDir: string;
  /** $CREDENTIALS_DIRECTORY, where systemd gives one. */
  readonly credentialsDir?: string | undefined;
  readonly bootId: string;
  readonly config: CompiledConfig;
  /** CONFIG_INVALID, or null; with it `config` only says which operators there are. */
  readonly configProblem?: AirlockError | null;
  readonly clock?: Clock;
  readonly timers?: Timers;
  readonly random?: Random;
  readonly fs?: StateFs;
  readonly openLog?: typeof openLog;
  /** Ends the process, so that it is started again (a restore). */
  readonly restart?: () => void;
  /** Called before any socket is served; not where the state could not be read. */
  readonly prepare?: (house: House) => void;
}

export interface Totp {
  /** null: the state could not be read. */
  readonly house: House | null;
  /** Ends what is over; runs by itself every 100 ms of real time. */
  tick(): void;
  close(): Promise<void>;
}

type Servers = readonly SocketServer<unknown>[];

const closeAll = async (servers: Servers): Promise<void> => {
  await Promise.all(servers.map((server) => server.close()));
};

const serveOpen = async (house: House, releases: OpenReleases, { sockets, stateDir }: TotpOptions): Promise<Servers> => {
  const context = { house, waiters: new ActionWaiters(house), logDir: logDirOf(stateDir) };
  const serve = (name: string, at: Listening): Promise<SocketServer<unknown>> => {
    const [family, operator = ''] = name.split('/');
    if (family === 'approve') return serveApprove(context, operator, at) as Promise<SocketServer<unknown>>;
    if (family === 'bridge') return serveBridge(house, releases, at) as Promise<SocketServer<unknown>>;
    if (family === 'release') return serveRelease(house, releases, at) as Promise<SocketServer<unknown>>;
    if (family === 'presence') return servePresence(house, at) as Promise<SocketServer<unknown>>;
    if (family === 'root') return serveRoot(house, at) as Promise<SocketServer<unknown>>;
    throw new Error(`no socket of this daemon is called ${name}`);
  };
  return Promise.all([...sockets].map(([name, at]) => serve(name, at)));
};

/** The own log's head is signed once it has grown; the head is no record, so this comes to rest. */
const signOwnHead = (house: House): void => {
  if (house.sealed() !== null) return;
  const head = house.journal.durableHead();
  if (head.size <= house.heads.last(TOTP_LOG).size) return;
  try {
    house.heads.sign(TOTP_LOG, head);
  } catch (thrown) {
    house.seal(asAirlockError(thrown));
  }
};

const HEAD_EVERY_TICKS = 10;

const ticker = (house: House, releases: OpenReleases): (() => void) => {
  let count = 0;
  const keepLog = retention(house);
  return () => {
    count += 1;
    try {
      for (const desk of house.desks.values()) desk.settle();
      if (house.sealed() === null) house.presence.tick();
    } catch (thrown) {
      // The desk has sealed the daemon; what is open is closed below.
      house.seal(asAirlockError(thrown));
    }
    const reason = house.sealed();
    if (reason !== null) releases.end(() => true, reason);
    expireReleases(house, releases);
    if (count % HEAD_EVERY_TICKS !== 0) return;
    signOwnHead(house);
    keepLog();
  };
};

const every = (timers: Timers, ms: number, run: () => void): TimerHandle => {
  let handle: TimerHandle;
  const again = (): void => {
    run();
    handle = timers.after(ms, again);
  };
  handle = timers.after(ms, again);
  return { cancel: () => handle.cancel() };
};

const runSealed = async (options: TotpOptions, clock: Clock, reason: AirlockError): Promise<Totp> => {
  const sealed = { reason, clock, periodS: options.config.totp.periodS };
  const servers = await Promise.all([...options.sockets].map(([name, at]) => serveSealed(name, at, sealed)));
  return { house: null, tick: () => undefined, close: () => closeAll(servers as unknown as Servers) };
};

const runOpen = async (house: House, options: TotpOptions): Promise<Totp> => {
  const releases = new OpenReleases();
  followRegister(house, releases);
  house.journal.note('started', { version: VERSION, boot: house.bootId });
  options.prepare?.(house);
  if (house.sealed() === null) house.presence.begin();
  const servers = await serveOpen(house, releases, options);
  const tick = ticker(house, releases);
  const ticking = every(house.timers, TOTP_LIMITS.tickMs, tick);
  const close = async (): Promise<void> => {
    ticking.cancel();
    await closeAll(servers);
    await house.journal.close();
  };
  return { house, tick, close };
};

/** Starts the daemon; whatever is wrong with what it reads, it starts sealed instead of dying. */
export const runTotp = async (options: TotpOptions): Promise<Totp> => {
  const clock = options.clock ?? systemClock;
  const timers = options.timers ?? systemTimers;
  const { stateDir, bootId, config } = options;
  let house: House;
  try {
    house = openHouse({
      stateDir,
      credentialsDir: options.credentialsDir,
      clock,
      timers,
      random: options.random ?? systemRandom,
      bootId,
      config,
      configProblem: options.configProblem ?? null,
      ...(options.restart === undefined ? {} : { restart: options.restart }),
      ...(options.fs === undefined ? {} : { fs: options.fs }),
      ...(options.openLog === undefined ? {} : { openLog: options.openLog }),
    });
  } catch (thrown) {
    return runSealed(options, clock, asAirlockError(thrown));
  }
  return runOpen(house, options);
};
