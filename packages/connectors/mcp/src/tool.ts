/**
 * From a tool's definition to a listed operation. Pure.
 *
 * UPSTREAM-8   What cannot be offered is listed with the reason, and harms no other tool.
 * UPSTREAM-10  What leaves is neutralised; the hash is over what the server said.
 */
import { boundSchema, neutraliseText, neutraliseValue } from '@airlock/guard';
import {
  AirlockError,
  canonicalWithFractions,
  sha256Hex,
  type Json,
  type JsonSchema,
  type OperationManifest,
} from '@airlock/protocol';
import { isMembers, type Listed, type Members } from './contract.js';
import { MCP_LIMITS } from './limits.js';
import { carried, isDeeper } from './message.js';
import { paramsOf } from './schema.js';

const MAX_SUMMARY_CHARS = 200;
const MAX_DESCRIPTION_CHARS = 4096;
const MAX_NAME_CHARS = 128;

const cut = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars - 1).toWellFormed()}…`;

/** Up to the first end of a sentence or line. */
const firstSentence = (text: string): string => /^.*?(?:[.!?](?=\s|$)|$)/m.exec(text.trim())?.[0].trim() ?? '';

const textOf = (value: Json | undefined): string =>
  typeof value === 'string' ? neutraliseText(value.slice(0, 16_384).toWellFormed()) : '';

const hashOf = (tool: Members): string => {
  if (isDeeper(tool, MCP_LIMITS.maxDefinitionLevels))
    return sha256Hex(`too deep: ${typeof tool['name'] === 'string' ? tool['name'] : ''}`);
  try {
    return sha256Hex(canonicalWithFractions(tool));
  } catch {
    return sha256Hex(JSON.stringify(tool));
  }
};

const hasHiddenKey = (value: Json): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(value as Members).some(([key, member]) => neutraliseText(key) !== key || hasHiddenKey(member));

/** The parts that may leave as they are. @throws AirlockError, whose message is the problem */
const checkedParts = (tool: Members): { params: JsonSchema; result: JsonSchema; mcp: Members } => {
  const wrong = (problem: string): AirlockError => new AirlockError('CONFIG_INVALID', problem);
  if (isDeeper(tool, MCP_LIMITS.maxDefinitionLevels)) throw wrong('its definition is nested too deeply');
  if (JSON.stringify(tool).length > MCP_LIMITS.maxDefinitionBytes) throw wrong('its definition is too large');
  const { name, inputSchema, outputSchema } = carried(tool, MCP_LIMITS.maxDefinitionLevels) as Members;
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.length > MAX_NAME_CHARS ||
    neutraliseText(name) !== name ||
    /[\p{Cc}\p{Cf}]/u.test(name)
  )
    throw wrong('its name is too long or holds characters that nobody sees');
  if (!isMembers(inputSchema)) throw wrong('it has no schema of its parameters');
  if (hasHiddenKey(inputSchema)) throw wrong('its schema names members with characters that nobody sees');
  const params = neutraliseValue(paramsOf(inputSchema)) as JsonSchema;
  boundSchema(params);
  const result = isMembers(outputSchema) ? (neutraliseValue(outputSchema) as JsonSchema) : {};
  return { params, result, mcp: neutraliseValue(tool) as Members };
};

const annotationsOf = ({ annotations }: Members): Members => (isMembers(annotations) ? annotations : {});

const wordsOf = (tool: Members, name: string): { summary: string; description?: string } => {
  const description = textOf(tool['description']);
  const title = textOf(tool['title']) || textOf(annotationsOf(tool)['title']);
  const summary = cut(firstSentence(description) || firstSentence(title) || name, MAX_SUMMARY_CHARS);
  return { summary, ...(description === '' ? {} : { description: cut(description, MAX_DESCRIPTION_CHARS) }) };
};

export interface ToolPlace {
  /** Name of the operation. */
  readonly name: string;
  readonly hasNetwork: boolean;
  /** Another tool has the very same name. */
  readonly isTwice: boolean;
}

export const listedOf = (tool: Members, { name, hasNetwork, isTwice }: ToolPlace): Listed => {
  const { readOnlyHint, openWorldHint } = annotationsOf(tool);
  const base: OperationManifest = {
    name,
    class: readOnlyHint === true ? 'read' : 'write',
    outward: hasNetwork && openWorldHint !== false,
    untrusted: true,
    ...wordsOf(tool, name),
    params: { type: 'object' },
    result: {},
  };
  const hash = hashOf(tool);
  if (isTwice) return { operation: base, hash, problem: 'the server has two tools of this name' };
  try {
    return { operation: { ...base, ...checkedParts(tool) }, hash };
  } catch (thrown) {
    const problem = thrown instanceof AirlockError ? thrown.message : 'its definition cannot be read';
    return { operation: base, hash, problem: cut(neutraliseText(problem), MAX_SUMMARY_CHARS) };
  }
};
