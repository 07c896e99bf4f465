/** What node-imap made of a BODYSTRUCTURE, read as untrusted data. */
import { parameterOf } from './header.js';
import type { Part } from './part.js';

type Loose = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 100;
const isLoose = (value: unknown): value is Loose => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const parametersOf = (value: unknown): ReadonlyMap<string, string> => {
  const pairs = isLoose(value) ? Object.entries(value) : [];
  return new Map(
    pairs.map(([name, item]) => [name.toLowerCase(), typeof item === 'number' ? String(item) : (text(item) ?? '')] as const),
  );
};

const sizeOf = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0);

const leaf = (node: Loose): Part => {
  const parameters = parametersOf(node['params']);
  const disposition = isLoose(node['disposition']) ? node['disposition'] : {};
  const rest = parametersOf(disposition['params']);
  const type = `${text(node['type']) ?? 'application'}/${text(node['subtype']) ?? 'octet-stream'}`;
  return {
    path: text(node['partID']) ?? '1',
    type: type.toLowerCase(),
    charset: parameterOf(parameters, 'charset'),
    encoding: (text(node['encoding']) ?? '7bit').toLowerCase(),
    encodedSize: sizeOf(node['size']),
    disposition: text(disposition['type'])?.toLowerCase() ?? null,
    filename: parameterOf(rest, 'filename') ?? parameterOf(parameters, 'name'),
    contentId: text(node['id']),
    children: [],
  };
};

/** @returns the tree; anything unreadable becomes one nameless part. */
export const parseStructure = (struct: unknown, depth = 0): Part => {
  const [head, ...below] = Array.isArray(struct) ? (struct as readonly unknown[]) : [];
  const node = isLoose(head) ? head : {};
  if (node['partID'] !== undefined || depth > MAX_DEPTH) return leaf(node);
  const children = below.filter(Array.isArray).map((child) => parseStructure(child, depth + 1));
  const type = `multipart/${(text(node['type']) ?? 'mixed').toLowerCase()}`;
  return {
    path: '',
    type,
    charset: null,
    encoding: '7bit',
    encodedSize: 0,
    disposition: null,
    filename: null,
    contentId: null,
    children,
  };
};
