/** From the names of tools to the names of operations. Pure. */
import { sha256Hex } from '@airlock/protocol';

const MAX_CHARS = 64;
const FITS = /^[a-z][a-z0-9_]{0,63}$/;
/** Static operations of this kind begin with it. */
const RESERVED = 'mcp_';

const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

const plainName = (tool: string): string => {
  if (FITS.test(tool) && !tool.startsWith(RESERVED)) return tool;
  const snake = snakeCase(tool);
  return /^[a-z]/.test(snake) && !snake.startsWith(RESERVED) ? snake : `t_${snake}`;
};

const suffixed = (plain: string, tool: string): string => `${plain.slice(0, MAX_CHARS - 7)}_${sha256Hex(tool).slice(0, 6)}`;

/** One name for each tool; different tools have different ones. */
export const operationNames = (tools: readonly string[]): readonly string[] => {
  const plain = tools.map(plainName);
  const holders = new Map<string, Set<string>>();
  plain.forEach((name, index) => holders.set(name, (holders.get(name) ?? new Set()).add(tools[index] ?? '')));
  return plain.map((name, index) => {
    const isAlone = holders.get(name)?.size === 1;
    return isAlone && name.length <= MAX_CHARS ? name : suffixed(name, tools[index] ?? '');
  });
};
