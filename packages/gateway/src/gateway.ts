/** Puts airlock-gateway together and runs it. Nothing that is read here can keep it from starting: it starts sealed. */
import { openLog } from '@airlock/audit';
import { RateCounters } from '@airlock/policy';
import type { SocketServer } from '@airlock/ipc';
import {
  AirlockError,
  asAirlockError,
  type Clock,
  type HeldHead,
  type RequestState,
  type SignedHeadResult,
  type TakenLease,
} from '@airlock/protocol';
import { bridgeHandlers, notifyExpiring, onBridgeLost, onBridgeUp, onLeaseEnd } from './bridge/handlers.js';
import { BridgeLink } from './bridge/link.js';
import { CellPool } from './cells/pool.js';
import { SlotLedger } from './cells/slots.js';
import { Catalogue } from './connectors/catalogue.js';
import { Channels } from './exchange/channels.js';
import { tellServiceEvent } from './exchange/service-event.js';
import type { House, Peer } from './house.js';
import { begunWith, recordBegun, setLogAside } from './journal/begin-anew.js';
import { Follower } from './journal/follow.js';
import { Heads } from './journal/heads.js';
import { Journal } from './journal/journal.js';
import { Retention } from './journal/retention.js';
import { GrantList } from './leases/grants.js';
import { LeaseRegister } from './leases/register.js';
import { SignedLeases } from './leases/signed.js';
import { GATEWAY_LIMITS } from './limits.js';
import { LastWords } from './cells/last-words.js';
import { ListedNews } from './listed/tell.js';
import type { GatewayOptions } from './options.js';
import { bridgePath, logDir, slotPath } from './paths.js';
import { RequestBoard } from './requests/board.js';
import { RoleRate } from './requests/rate.js';
import { serveAll } from './serve.js';
import { loadConfig } from './state/config.js';
import { openState } from './state/open.js';
import { Rotations } from './vault/rotating.js';
import { VERSION } from './version.js';
import { Watch } from './watch/watch.js';

/** A running gateway. */
export interface Gateway {
  /** Stops serving, writes what is held back, ends every cell. Never rejects. */
  close(): Promise<void>;
}

/** Name of this log in signed heads, as airlock-totp has it. */
const LOG_ORIGIN = 'airlock-gateway';

const openJournal = (options: GatewayOptions, groupCommitMs: number): Journal => {
  const { clock, timers, bootId, log } = options;
  const onSealed = (error: AirlockError): void => log(`the audit log is sealed: ${error.message}`);
  const unopened = setLogAside(options);
  const opened = openLog({
    ...{ dir: logDir(options), origin: LOG_ORIGIN },
    ...{ clock, timers, groupCommitMs, bootId, unopened, onSealed },
  });
  recordBegun(options, opened);
  return new Journal(opened, clock);
};

const retentionOf = (options: GatewayOptions, retainDays: number, { log }: Journal, heads: Heads): Retention =>
  new Retention({
    ...{ log, retainDays },
    dir: logDir(options),
    clock: options.clock,
    checkpoint: () => heads.checkpoint(),
    report: options.log,
  });

/** BRIDGE-8 */
const heldHead = ({ heads, options }: House): HeldHead => {
  const [head, begunAnew] = [heads.newest, begunWith(options)];
  return { ...(head === null ? {} : { head }), ...(begunAnew === undefined ? {} : { begunAnew }) };
};

const openBridge = (options: GatewayOptions, house: () => House): BridgeLink =>
  new BridgeLink({
    path: bridgePath(options),
    timers: options.timers,
    handlers: bridgeHandlers(house),
    held: () => heldHead(house()),
    onUp: (hello) => onBridgeUp(house(), hello),
    onLost: (reason) => onBridgeLost(house(), reason),
  });

const build = (options: GatewayOptions): House => {
  const { clock, timers } = options;
  const { config, problem } = loadConfig(options.configDir);
  const house = (): House => built;
  const register = new LeaseRegister(clock, (lease, why) => onLeaseEnd(house(), lease, why));
  const state = openState(options, config, (session) => register.hasSession(session));
  const journal = openJournal(options, config.audit.groupCommitMs);
  const bridge = openBridge(options, house);
  const heads = new Heads(
    journal.log,
    (claim) => bridge.call<SignedHeadResult>('head.sign', { ...claim }),
    () => bridge.renew(),
  );
  const slots = new SlotLedger(options.cellSlots);
  const news = new ListedNews();
  const lastWords = new LastWords(clock);
  const rotations = new Rotations();
  const source = {
    get: (request: string) => bridge.call<RequestState>('request.get', { request }),
    take: (request: string) => bridge.call<TakenLease>('request.take', { request }),
  };
  const built: House = {
    ...{ options, clock, timers, config, journal, register, bridge, slots },
    rulesInForce: state.rules,
    rules: () => state.rules.compiled,
    rates: new RateCounters(clock),
    ...{ sessions: state.sessions, budgets: state.budgets, stores: state.stores, operations: state.operations },
    listed: state.listed,
    restores: state.restores,
    lastWords,
    heads,
    anew: { problem: null },
    retention: retentionOf(options, config.audit.retainDays, journal, heads),
    followers: new Follower(logDir(options)),
    signed: new SignedLeases(),
    requests: new RequestBoard(source, timers),
    grants: new GrantList(clock),
    watch: new Watch({
      clock,
      blocks: state.blocks,
      config: config.anomalies,
      note: (event, fields) => journal.note(event, fields),
    }),
    ...rates(clock),
    pool: new CellPool({
      ...{ slots, clock, timers },
      slotPath: (slot) => slotPath(options, slot),
      onListed: (key, listed) => news.take(house(), key, listed),
      onEvent: (key, event) => tellServiceEvent(house(), key, event),
      onCodeAsked: ({ service, role, operator, lease }) => journal.note('code_question', { service, role, operator, lease }),
      onSaid: (key, text) => lastWords.take(key, text),
      onRotate: (key, cell, rotate) => void rotations.take(house(), key, cell, rotate),
    }),
    channels: new Channels(timers),
    catalogue: new Catalogue(options.connectorDirs),
    rewrapping: new Set(),
    frozen: new Map(),
    sealed: () => house().sealedForGood() ?? state.restores.problem,
    sealedForGood: () => problem ?? state.problem ?? journal.sealed ?? house().anew.problem ?? heads.problem,
  };
  return built;
};

const rates = (clock: Clock): Pick<House, 'requestRate' | 'claimRate'> => {
  const { requestBurst, requestRefillPerMinute, claimBurst, claimRefillPerMinute } = GATEWAY_LIMITS;
  return {
    requestRate: new RoleRate(clock, {
      burst: requestBurst,
      refillPerMinute: requestRefillPerMinute,
      tooOften: 'asks too often',
    }),
    claimRate: new RoleRate(clock, {
      burst: claimBurst,
      refillPerMinute: claimRefillPerMinute,
      tooOften: 'claims too often',
    }),
  };
};

/** What a second is for: room on the disk and heads are looked at once in ten ticks. */
const TICKS_PER_SECOND = 10;

const tick = (house: House, count: number): void => {
  house.bridge.tick();
  for (const lease of house.register.tick()) notifyExpiring(house, lease);
  house.pool.tick();
  house.watch.tick();
  house.journal.tick();
  house.followers.tick();
  if (house.bridge.refusal() === null) {
    house.heads.tick(house.timers.nowMs());
    house.retention.tick();
  }
  if (count % TICKS_PER_SECOND === 0) house.journal.checkRoom();
};

/** One tick a process, re-armed after each. @returns the way to stop it. */
const startTicking = (house: House): (() => void) => {
  let count = 0;
  const next = (): void => {
    count += 1;
    try {
      tick(house, count);
    } catch (thrown) {
      house.options.log(`a tick failed: ${asAirlockError(thrown).code}`);
    }
    armed = house.timers.after(GATEWAY_LIMITS.tickMs, next);
  };
  let armed = house.timers.after(GATEWAY_LIMITS.tickMs, next);
  return () => armed.cancel();
};

const stop = async (house: House, servers: readonly SocketServer<Peer>[], stopTicking: () => void): Promise<void> => {
  stopTicking();
  house.bridge.stop();
  house.pool.endAll(new AirlockError('UNAVAILABLE', 'airlock-gateway is stopping'));
  await Promise.all(servers.map((server) => server.close()));
  await house.journal.close();
  house.sessions.close();
  house.budgets.close();
  house.watch.close();
};

/**
 * Serves until closed.
 * @throws Error of the system where a socket it was given cannot be listened on: a defect of the unit.
 */
export const runGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const house = build(options);
  const sealed = house.sealed();
  if (sealed !== null) options.log(`starting sealed: ${sealed.message}`);
  const servers = await serveAll(house);
  house.journal.note('started', { version: VERSION, rules: house.rulesInForce.status().digest });
  house.bridge.start();
  const stopTicking = startTicking(house);
  return { close: () => stop(house, servers, stopTicking) };
};
