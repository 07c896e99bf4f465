/** What the parts of airlock-gateway share: one of each, made by gateway.ts, handed to every method. */
import type { CompiledRules, RateCounters } from '@airlock/policy';
import {
  frozenError,
  type AirlockError,
  type Clock,
  type CompiledConfig,
  type Freeze,
  type OperationManifest,
  type Timers,
} from '@airlock/protocol';
import type { BridgeLink } from './bridge/link.js';
import type { CellPool } from './cells/pool.js';
import type { SlotLedger } from './cells/slots.js';
import type { Channels } from './exchange/channels.js';
import type { Catalogue, Kind } from './connectors/catalogue.js';
import type { Follower } from './journal/follow.js';
import type { Heads } from './journal/heads.js';
import type { Journal } from './journal/journal.js';
import type { Retention } from './journal/retention.js';
import type { BudgetLedger } from './leases/budget.js';
import type { GrantList } from './leases/grants.js';
import type { LeaseRegister } from './leases/register.js';
import type { LastWords } from './cells/last-words.js';
import type { ListedStore } from './listed/listed-store.js';
import type { SignedLeases } from './leases/signed.js';
import type { OperationShelf } from './operations/shelf.js';
import type { GatewayOptions } from './options.js';
import type { RequestBoard } from './requests/board.js';
import type { RulesInForce } from './rules/in-force.js';
import type { RoleRate } from './requests/rate.js';
import type { Identity, Session, Sessions } from './sessions/sessions.js';
import type { ServiceEntry } from './vault/entry.js';
import type { RestoreState } from './vault/restore-state.js';
import type { ServiceStore } from './vault/store.js';
import type { Watch } from './watch/watch.js';

export interface House {
  readonly options: GatewayOptions;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly config: CompiledConfig;
  readonly rulesInForce: RulesInForce;
  /** What decides about calls now. */
  rules(): CompiledRules;
  readonly rates: RateCounters;
  readonly journal: Journal;
  readonly heads: Heads;
  readonly followers: Follower;
  readonly retention: Retention;
  /** ACCEPT-8: why the log cannot begin anew, though airlock-totp says that it has to. */
  readonly anew: { problem: AirlockError | null };
  readonly sessions: Sessions;
  readonly register: LeaseRegister;
  readonly signed: SignedLeases;
  readonly budgets: BudgetLedger;
  readonly requests: RequestBoard;
  /** Operations that wait for an approval of their own, and their outcomes. */
  readonly operations: OperationShelf;
  readonly grants: GrantList;
  readonly requestRate: RoleRate;
  readonly claimRate: RoleRate;
  readonly watch: Watch;
  readonly bridge: BridgeLink;
  readonly slots: SlotLedger;
  readonly pool: CellPool;
  /** Calls in flight that can be cancelled or talked with. */
  readonly channels: Channels;
  readonly catalogue: Catalogue;
  /** By operator. */
  readonly stores: ReadonlyMap<string, ServiceStore>;
  /** Which restore is in force, and which is due. */
  readonly restores: RestoreState;
  /** What services list themselves, by operator. */
  readonly listed: ReadonlyMap<string, ListedStore>;
  /** What programs of services wrote to stderr. */
  readonly lastWords: LastWords;
  /** Operators whose keys are being wrapped again. */
  readonly rewrapping: Set<string>;
  /** Operators whose leases are frozen, and by what, as airlock-totp says. */
  readonly frozen: Map<string, Freeze>;
  /** Why nothing is served but the diagnosis, or null. */
  sealed(): AirlockError | null;
  /** The same, but for a restore that is due: what would mend that is served. */
  sealedForGood(): AirlockError | null;
}

/** A connection to an agent's or an operator's socket. */
export interface Peer extends Identity {
  /** null before hello. */
  session: Session | null;
}

/** A service with the manifest of its kind. */
export interface Service {
  readonly entry: ServiceEntry;
  readonly title: string;
  readonly operations: ReadonlyMap<string, OperationManifest>;
}

/** The kind of a service, or null where it is no longer installed. */
export const kindOf = (house: House, entry: ServiceEntry): Kind | null => house.catalogue.find(entry.kind);

/** Those of the kind, and those the service lists itself. */
const operationsOf = (house: House, operator: string, entry: ServiceEntry, kind: Kind): Service['operations'] => {
  const { service } = entry;
  const listed = kind.manifest.listed === true ? house.listed.get(operator)?.operations(service) : undefined;
  const own = isInward(entry) ? inward(kind.operations) : kind.operations;
  return listed === undefined || listed.size === 0 ? own : joined(own, listed);
};

/** UPSTREAM-15: an upstream MCP server that reaches nobody, or of which the operator said that it passes nothing on. */
const isInward = ({ destination, settings }: ServiceEntry): boolean =>
  'program' in destination ? destination.origins.length === 0 : settings['openWorld'] === 'no';

const inwardMaps = new WeakMap<Service['operations'], Service['operations']>();

/** The kind's own operations, none of which sends anything out. */
const inward = (own: Service['operations']): Service['operations'] => {
  const known = inwardMaps.get(own);
  if (known !== undefined) return known;
  const made = new Map([...own].map(([name, operation]) => [name, { ...operation, outward: false }]));
  inwardMaps.set(own, made);
  return made;
};

/** Joined maps by their listed half, which is replaced as a whole: calls are many, changes few. */
const joinedMaps = new WeakMap<Service['operations'], Service['operations']>();

const joined = (own: Service['operations'], listed: Service['operations']): Service['operations'] => {
  const known = joinedMaps.get(listed);
  if (known !== undefined) return known;
  const both = new Map([...listed, ...own]);
  joinedMaps.set(listed, both);
  return both;
};

/** A service of an operator, or null where there is none or its kind is no longer installed. */
export const findService = (house: House, operator: string, name: string): Service | null => {
  const entry = house.stores.get(operator)?.get(name);
  if (entry === undefined) return null;
  const kind = kindOf(house, entry);
  if (kind === null) return null;
  return { entry, title: kind.manifest.title, operations: operationsOf(house, operator, entry, kind) };
};

/** All services of an operator whose kinds are installed. */
export const listServices = (house: House, operator: string): Service[] => {
  const names = [...(house.stores.get(operator)?.entries.keys() ?? [])].sort();
  return names.map((name) => findService(house, operator, name)).filter((service) => service !== null);
};

/** @throws AirlockError LOCKED, with what freezes the operator's leases */
export const requireThawed = ({ frozen }: Pick<House, 'frozen'>, operator: string): void => {
  const freeze = frozen.get(operator);
  if (freeze !== undefined) throw frozenError(freeze);
};
