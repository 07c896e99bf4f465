/** The text of a request of kind `operation` (OPERATION-2): every parameter whole, in order of its path. */
import type { Json } from '@airlock/protocol';
import { agentLines } from './agent-lines.js';
import { quoteText, wordText } from './escape.js';
import { layOutText, listLines, membersOf } from './lines.js';

export interface OperationFacts {
  readonly id: string;
  readonly role: string;
  readonly session: string;
  readonly client?: string | undefined;
  readonly lease: string;
  readonly service: string;
  readonly operation: string;
  readonly class: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly match: string;
}

/** A key that cannot be taken for a path or a number of lines. */
const KEY = /^[A-Za-z0-9_-]+$/;

const keyText = (key: string): string => (KEY.test(key) ? key : quoteText(key));

const stringLines = (path: string, value: string): string[] => {
  const lines = value.split('\n');
  if (lines.length === 1) return [`${path} = ${quoteText(value)}`];
  return lines.map((line, index) => `${path}, line ${index + 1} of ${lines.length} = ${quoteText(line)}`);
};

const valueLines = (path: string, value: Json): string[] => {
  if (typeof value === 'string') return stringLines(path, value);
  if (typeof value !== 'object' || value === null) return [`${path} = ${String(value)}`];
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    return items.length === 0 ? [`${path} = []`] : items.flatMap((item, index) => valueLines(`${path}[${index}]`, item));
  }
  const members = membersOf(value as Readonly<Record<string, Json>>);
  return members.length === 0 ? [`${path} = {}`] : members.flatMap(([key, one]) => valueLines(`${path}.${keyText(key)}`, one));
};

const paramLines = (params: OperationFacts['params']): string[] => {
  const members = membersOf(params);
  return members.length === 0 ? ['nothing'] : members.flatMap(([key, value]) => valueLines(keyText(key), value));
};

export const operationText = (facts: OperationFacts): string =>
  layOutText(`Airlock operation ${facts.id}`, [
    ...listLines('who', agentLines(facts)),
    { label: 'do', value: `${wordText(facts.service)}:${wordText(facts.operation)}, once` },
    { label: 'class', value: wordText(facts.class) },
    ...listLines('with', paramLines(facts.params)),
    { label: 'lease', value: wordText(facts.lease) },
    { label: 'match', value: facts.match },
  ]);
