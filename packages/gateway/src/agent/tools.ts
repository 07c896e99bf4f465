/** `tools.search` and `tools.describe`: operations with the JSON Schema of their parameters and results. */
import { AirlockError, type OperationManifest, type ToolDescription } from '@airlock/protocol';
import { listServices, type House, type Service } from '../house.js';
import { GATEWAY_LIMITS } from '../limits.js';
import type { Identity } from '../sessions/sessions.js';
import { offeredOperations, summaryOf } from './services-list.js';

interface Found {
  readonly service: Service;
  readonly operation: OperationManifest;
}

const describe = (house: House, role: string, { service, operation }: Found): ToolDescription => {
  const { params, result, description, mcp } = operation;
  return {
    ...summaryOf(house, role, service.entry.service, operation),
    service: service.entry.service,
    ...{ params, result },
    ...(description === undefined ? {} : { description }),
    ...(mcp === undefined ? {} : { mcp }),
  };
};

const everything = (house: House, { operator, role }: Identity): Found[] =>
  listServices(house, operator).flatMap((service) =>
    offeredOperations(house, role, service.entry.service, service.operations.values()).map((operation) => ({
      service,
      operation,
    })),
  );

/** How many of the words occur, names counting more than summaries. */
const score = ({ service, operation }: Found, words: readonly string[]): number => {
  const names = `${service.entry.service} ${service.entry.kind} ${operation.name} ${operation.tool ?? ''}`.toLowerCase();
  const summary = `${service.title} ${operation.summary}`.toLowerCase();
  return words.reduce((sum, word) => sum + (names.includes(word) ? 2 : 0) + (summary.includes(word) ? 1 : 0), 0);
};

/** Best first, at most 20; empty where no word of the query occurs. */
export const toolsSearch = (house: House, identity: Identity, query: string): ToolDescription[] => {
  const words = query
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  return everything(house, identity)
    .map((found) => ({ found, points: score(found, words) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, GATEWAY_LIMITS.maxToolsFound)
    .map(({ found }) => describe(house, identity.role, found));
};

/** @param names `service.operation`. @throws AirlockError OPERATION_UNKNOWN naming the first that there is not. */
export const toolsDescribe = (house: House, identity: Identity, names: readonly string[]): ToolDescription[] => {
  const byName = new Map(
    everything(house, identity).map((found) => [`${found.service.entry.service}.${found.operation.name}`, found]),
  );
  return names.map((name) => {
    const found = byName.get(name);
    if (found !== undefined) return describe(house, identity.role, found);
    throw new AirlockError('OPERATION_UNKNOWN', 'there is no operation of this name', {
      field: 'params.names',
      expected: 'SERVICE.OPERATION, as services.list has them',
      hint: 'use tools.search or services.list',
    });
  });
};
