/** Operations as the meta-tools describe them: what an agent needs in order to call, and no more than it can read. */
import type { ToolDescription } from '@airlock/protocol';
import type { Broker } from '../broker.js';
import { fullName, type Catalogue, type Offer } from '../catalogue.js';
import { text } from '../output.js';

/** JSON text of all descriptions in one answer: about 40,000 tokens, more than any model wants at once. */
const MAX_CHARS = 160_000;

/** The line that a list shows. */
export interface Listed {
  readonly service: string;
  readonly operation: string;
  /** Name of its own tool. */
  readonly tool: string;
  readonly class: string;
  readonly summary: string;
  /** A lease for the service lives. */
  readonly access: boolean;
  /** Every single call needs its own approval. */
  readonly approval: boolean;
}

export interface Described extends Listed {
  readonly description?: string;
  readonly untrusted: boolean;
  readonly params: object;
  readonly result: object;
}

export const LISTED_SCHEMA = {
  type: 'object',
  required: ['service', 'operation', 'tool', 'class', 'summary', 'access', 'approval'],
  properties: {
    service: text,
    operation: text,
    tool: text,
    class: text,
    summary: text,
    access: { type: 'boolean' },
    approval: { type: 'boolean' },
  },
};

export const DESCRIBED_SCHEMA = {
  type: 'object',
  required: [...LISTED_SCHEMA.required, 'untrusted', 'params', 'result'],
  properties: {
    ...LISTED_SCHEMA.properties,
    description: text,
    untrusted: { type: 'boolean' },
    params: { type: 'object' },
    result: { type: 'object' },
  },
};

/** Names of tools by `service.operation`. */
export const toolNames = ({ entries }: Catalogue): ReadonlyMap<string, string> =>
  new Map([...entries.values()].flatMap(({ name, offers }) => offers.map((offer) => [fullName(offer), name] as const)));

export const listed = (broker: Broker, names: ReadonlyMap<string, string>, offer: Offer): Listed => ({
  service: offer.service,
  operation: offer.name,
  tool: names.get(fullName(offer)) ?? '',
  class: offer.class,
  summary: offer.summary,
  access: broker.hasAccess(offer.service),
  approval: offer.approval,
});

const described = (broker: Broker, names: ReadonlyMap<string, string>, one: ToolDescription): Described => ({
  ...listed(broker, names, one),
  ...(one.description === undefined ? {} : { description: one.description }),
  untrusted: one.untrusted,
  params: one.params,
  result: one.result,
});

/** As many as fit into one answer, and the names of those that do not. */
export const describedWithin = (
  broker: Broker,
  names: ReadonlyMap<string, string>,
  tools: readonly ToolDescription[],
): { readonly tools: readonly Described[]; readonly omitted: readonly string[] } => {
  const kept: Described[] = [];
  const omitted: string[] = [];
  let chars = 0;
  for (const one of tools) {
    const description = described(broker, names, one);
    const size = JSON.stringify(description).length;
    if (chars + size > MAX_CHARS) omitted.push(fullName(one));
    else {
      kept.push(description);
      chars += size;
    }
  }
  return { tools: kept, omitted };
};
