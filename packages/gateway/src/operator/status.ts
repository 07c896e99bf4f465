/** `status` and `kind.list`: what is, also while sealed. */
import { isoTime, type GatewayStatus, type KindList } from '@airlock/protocol';
import type { House } from '../house.js';
import { VERSION } from '../version.js';

/** Something that was refused when it was read, and goes on being reported. */
export interface FileProblem {
  readonly file: string;
  readonly problem: string;
}

const problemsOf = (house: House): FileProblem[] => [
  ...house.catalogue.problems,
  ...[...house.stores.values()].flatMap(({ problems }) => problems),
];

const sealView = (house: House): GatewayStatus['sealed'] => {
  const sealed = house.sealed();
  return sealed === null ? null : { code: sealed.code, message: sealed.message, hint: sealed.data.hint };
};

const rulesView = ({ rulesInForce }: House): GatewayStatus['rules'] => {
  const { problem, staged } = rulesInForce.status();
  return { problem, staged: staged?.changes.length ?? 0 };
};

export const status = (house: House, operator: string): GatewayStatus & { readonly problems: readonly FileProblem[] } => {
  const ageMs = house.bridge.ageMs;
  const { log } = house.journal;
  return {
    version: VERSION,
    now: isoTime(house.clock.wallMs()),
    sealed: sealView(house),
    heartbeatAgeMs: ageMs === null ? null : Math.round(ageMs),
    services: [...house.stores.values()].reduce((sum, { entries }) => sum + entries.size, 0),
    sessions: house.sessions.size,
    blocked: house.watch.list(operator).length,
    cells: { live: house.slots.inUse, slots: house.slots.count },
    roles: Object.keys(house.config.roles).sort(),
    isolation: house.config.isolation,
    audit: { records: log.head().size, freeBytes: log.freeBytes() },
    rules: rulesView(house),
    restored: house.restores.applied,
    problems: problemsOf(house),
  };
};

/** All kinds as they are on disk now, and the manifests that are none. */
export const kindList = (house: House): KindList & { readonly problems: readonly FileProblem[] } => {
  const kinds = house.catalogue.read();
  return { kinds, problems: house.catalogue.problems };
};
