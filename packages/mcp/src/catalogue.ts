/** What the role may ever get, by the names of its tools: read once, described only where a description is needed. */
import { createHash } from 'node:crypto';
import { servicesList, toolsDescribe, type Airlock } from '@airlock/client';
import type { OperationSummary, ServiceSummary, ToolDescription } from '@airlock/protocol';
import type { Surface } from './surface.js';

/** `tools.describe` takes this many names at once. */
const DESCRIBE_MAX = 64;
/** Models' interfaces take names of tools up to this length. */
const MAX_NAME = 64;
export const PREFIX = 'airlock_';

export interface Offer extends OperationSummary {
  readonly service: string;
}

/** A tool before it is described: one offer for each service that has it. */
export interface CatalogueEntry {
  readonly name: string;
  readonly offers: readonly Offer[];
}

export interface Catalogue {
  readonly services: readonly ServiceSummary[];
  readonly entries: ReadonlyMap<string, CatalogueEntry>;
}

/** A name that is too long is cut, and tells its rest by a digest. */
const fitted = (name: string): string =>
  name.length <= MAX_NAME
    ? name
    : `${name.slice(0, MAX_NAME - 7)}_${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;

const toolName = (offer: Offer, own: readonly string[]): string => {
  const full = `${PREFIX}${offer.service}_${offer.name}`;
  const name = offer.tool === undefined ? full : PREFIX + offer.tool;
  return fitted(own.includes(name) ? full : name);
};

/** @param own names that are taken. @throws AirlockError as the gateway refuses. */
export const loadCatalogue = async ({ session }: Airlock, own: readonly string[]): Promise<Catalogue> => {
  const services = await servicesList(session);
  const entries = new Map<string, CatalogueEntry>();
  for (const { service, operations } of services) {
    for (const operation of operations) {
      const offer = { ...operation, service };
      const name = toolName(offer, own);
      entries.set(name, { name, offers: [...(entries.get(name)?.offers ?? []), offer] });
    }
  }
  return { services, entries };
};

/** The part that an endpoint of one service shows. */
export const partFor = (catalogue: Catalogue, { service }: Surface): Catalogue => {
  if (service === undefined) return catalogue;
  const entries = [...catalogue.entries.values()].flatMap(({ name, offers }): [string, CatalogueEntry][] => {
    const own = offers.filter((offer) => offer.service === service);
    return own.length === 0 ? [] : [[name, { name, offers: own }]];
  });
  return { services: catalogue.services.filter((one) => one.service === service), entries: new Map(entries) };
};

export const fullName = ({ service, name }: Pick<Offer, 'service' | 'name'>): string => `${service}.${name}`;

/** @param names `service.operation`. @throws AirlockError as the gateway refuses, OPERATION_UNKNOWN */
export const describeAll = async ({ session }: Airlock, names: readonly string[]): Promise<readonly ToolDescription[]> => {
  const chunks = Array.from({ length: Math.ceil(names.length / DESCRIBE_MAX) }, (_, index) =>
    names.slice(index * DESCRIBE_MAX, (index + 1) * DESCRIBE_MAX),
  );
  return (await Promise.all(chunks.map((chunk) => toolsDescribe(session, chunk)))).flat();
};
