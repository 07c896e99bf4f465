/** Results of MCP tools through the guard: text and structured content masked, visible, cut and scored; the score in `_meta`. */
import type { Size } from '../cut.js';
import { newMask } from '../mask.js';
import { ToolRefused, guardResult, type Refusal, type ToolPolicy } from '../tool.js';

/** CallToolResult of either SDK. */
export interface ToolResult {
  [member: string]: unknown;
  content: { [member: string]: unknown; type: 'text'; text: string }[];
  isError?: boolean;
  structuredContent?: { [member: string]: unknown };
  _meta?: { [member: string]: unknown };
}

export interface ResultContext {
  readonly stripped: readonly string[];
  readonly outputSchema: object | undefined;
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

const META = 'airlock/';

/** A result that scores above the policy's `maxRisk`. */
export class RiskTooHigh extends ToolRefused {}

const scored = (result: unknown, policy: ToolPolicy): ReturnType<typeof guardResult> => {
  try {
    return guardResult(result, policy);
  } catch (thrown) {
    throw thrown instanceof ToolRefused ? new RiskTooHigh(thrown.refusal) : thrown;
  }
};

const RETRY: Readonly<Record<string, string>> = { PARAMS_INVALID: 'with-change', RISK_TOO_HIGH: 'never', INTERNAL: 'never' };

/** A refusal, in text and in structured form; a tool with an output schema has that one in `_meta`, as clients check the other. */
export const refusedResult = (
  refusal: Refusal,
  { secrets = [] }: ToolPolicy,
  outputSchema: object | undefined,
  code = 'PARAMS_INVALID',
): ToolResult => {
  const told = newMask(secrets)({ ...refusal }).value as unknown as Refusal;
  const error = { code, retry: RETRY[code] ?? 'never', ...told };
  const lines = [`${code}: ${told.message}`, ...(told.hint === undefined ? [] : [`hint: ${told.hint}`])];
  return {
    content: [{ type: 'text', text: lines.join('\n') }],
    isError: true,
    ...(outputSchema === undefined ? { structuredContent: { error } } : {}),
    _meta: { [`${META}error`]: error },
  };
};

/** Base64 of an image, a sound or a file: no text, so it is neither neutralised nor cut in its middle. */
const dataOf = (block: unknown): { readonly holder: 'block' | 'resource'; readonly data: string } | null => {
  if (!isObject(block)) return null;
  const { data, resource } = block;
  if (typeof data === 'string') return { holder: 'block', data };
  return isObject(resource) && typeof resource['blob'] === 'string' ? { holder: 'resource', data: resource['blob'] } : null;
};

const withoutData = (block: unknown): unknown => {
  const found = dataOf(block);
  if (found === null || !isObject(block)) return block;
  return found.holder === 'block'
    ? { ...block, data: '' }
    : { ...block, resource: { ...(block['resource'] as Members), blob: '' } };
};

const tooLarge = (data: string, { maxBytes = Infinity, maxChars = Infinity }: Size): boolean =>
  data.length > Math.min(maxBytes, maxChars);

/** The block with its data, or a text in its place. */
const withData = (guarded: unknown, original: unknown, { secrets = [], size = {} }: ToolPolicy): unknown => {
  const found = dataOf(original);
  if (found === null || !isObject(guarded)) return guarded;
  if (newMask(secrets)(found.data).masked > 0) return { type: 'text', text: '[masked: data that holds a secret]' };
  if (tooLarge(found.data, size)) return { type: 'text', text: `[cut: ${found.data.length} characters of data]` };
  const { holder, data } = found;
  return holder === 'block'
    ? { ...guarded, data }
    : { ...guarded, resource: { ...(guarded['resource'] as Members), blob: data } };
};

/** What a handler gave, as a result; a bare value counts as text. */
const asResult = (result: unknown): Members => {
  if (isObject(result) && (Array.isArray(result['content']) || 'resultType' in result || 'structuredContent' in result))
    return result;
  return { content: [{ type: 'text', text: typeof result === 'string' ? result : JSON.stringify(result ?? null) }] };
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** Whether what is left still is what the tool promised; a schema that cannot be asked is the SDK's to check. */
const holds = async (structured: unknown, outputSchema: object | undefined): Promise<boolean> => {
  const standard: unknown = outputSchema === undefined ? undefined : (outputSchema as Members)['~standard'];
  if (structured === undefined || !isObject(standard) || typeof standard['validate'] !== 'function') return true;
  const outcome: unknown = await (standard['validate'] as (value: unknown) => unknown)(structured);
  return !isObject(outcome) || outcome['issues'] === undefined;
};

const metaOf = (
  result: Members,
  { risk, masked, truncated }: Omit<ReturnType<typeof guardResult>, 'result'>,
  stripped: readonly string[],
) => ({
  ...(isObject(result['_meta']) ? result['_meta'] : {}),
  [`${META}risk`]: risk.score,
  ...(risk.signatures.length === 0 ? {} : { [`${META}signatures`]: risk.signatures }),
  [`${META}masked`]: masked,
  [`${META}truncated`]: truncated,
  ...(stripped.length === 0 ? {} : { [`${META}stripped`]: stripped }),
});

/** What a tool gave, guarded. @throws RiskTooHigh where it scores above `maxRisk` */
export const guardToolResult = async (given: unknown, policy: ToolPolicy, context: ResultContext): Promise<ToolResult> => {
  const result = asResult(given);
  const { requestState, _meta, ...rest } = result;
  const blocks = listOf(result['content']);
  const meta = isObject(_meta) ? _meta : {};
  const guarded = scored({ ...rest, content: blocks.map(withoutData), _meta: meta }, policy);
  const members = guarded.result as unknown as Members;
  const content = listOf(members['content']).map((block, index) => withData(block, blocks[index], policy));
  if (result['isError'] !== true && !(await holds(members['structuredContent'], context.outputSchema)))
    return refusedResult(
      { message: 'what was masked or cut leaves a result that its output schema does not allow', hint: 'ask for less' },
      ...([policy, context.outputSchema, 'RISK_TOO_HIGH'] as const),
    );
  return {
    ...members,
    content: content as ToolResult['content'],
    ...(requestState === undefined ? {} : { requestState }),
    _meta: metaOf(members, guarded, context.stripped),
  };
};
