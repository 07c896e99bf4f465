/**
 * Puts any function behind the guard in one line: arguments checked, result masked, made visible, cut and scored.
 *
 * GUARD-16  a guarded tool is not run with arguments the policy refuses, and nothing it gives back or throws leaves
 *           unmasked.
 */
import type { Json } from '@airlock/protocol';
import { cutResult, type Size } from './cut.js';
import { scoreValue, type Injection } from './injection/score.js';
import { newMask } from './mask.js';
import { neutraliseValue } from './neutralise.js';
import { redactValue, type Redaction } from './redact.js';

/** Refused arguments, in words an agent can correct itself by. */
export interface Refusal {
  readonly message: string;
  readonly field?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly hint?: string;
}

/** What a check makes of arguments: those the tool gets, with what was taken out, or a refusal. */
export type Checked =
  { readonly args: Readonly<Record<string, Json>>; readonly stripped: readonly string[] } | { readonly refusal: Refusal };

export interface ToolPolicy {
  /** `checkWith(schema)` of `@airlock/guard/arguments`, or a check of one's own; without it arguments pass as they are. */
  readonly check?: (args: Readonly<Record<string, Json>>) => Checked;
  readonly redact?: Redaction;
  /** Secrets the tool itself uses: they leave in no form. */
  readonly secrets?: readonly string[];
  readonly size?: Size;
  /** 0..1; a result that scores above it is withheld. */
  readonly maxRisk?: number;
}

export interface Guarded {
  readonly result: Json;
  readonly masked: number;
  readonly truncated: boolean;
  readonly risk: Injection;
  /** Ghost arguments that were taken out. */
  readonly stripped: readonly string[];
}

/** Thrown in place of a result. */
export class ToolRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'ToolRefused';
    this.refusal = refusal;
  }
}

export type Tool<A> = (args: A) => unknown;
export type SecuredTool = (args: Readonly<Record<string, Json>>) => Promise<Guarded>;

/** JSON and nothing else; what has no JSON is null. */
const asJson = (value: unknown): Json =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol'
    ? null
    : (JSON.parse(JSON.stringify(value)) as Json);

/** Masks, makes visible, cuts and scores one result. @throws ToolRefused where it scores above `maxRisk`. */
export const guardResult = (result: unknown, policy: ToolPolicy = {}): Omit<Guarded, 'stripped'> => {
  const own = newMask(policy.secrets ?? [])(asJson(result));
  const redacted = redactValue(own.value, policy.redact);
  const risk = scoreValue(redacted.value);
  if (risk.score > (policy.maxRisk ?? 1))
    throw new ToolRefused({
      message: 'the result looks as if it gave orders',
      found: risk.signatures.join(', '),
      hint: 'ask for other data',
    });
  const { value, truncated } = cutResult(neutraliseValue(redacted.value), policy.size ?? {});
  return { result: value, masked: own.masked + redacted.masked, truncated, risk };
};

/** What a tool threw, its text masked. */
export const maskError = (thrown: unknown, { secrets = [], redact }: ToolPolicy): Error => {
  const text = thrown instanceof Error ? thrown.message : 'the tool failed';
  const { value } = redactValue(newMask(secrets)(text).value, redact);
  return new Error(typeof value === 'string' ? value : 'the tool failed');
};

const attempt = async (run: () => unknown, policy: ToolPolicy): Promise<unknown> => {
  try {
    return await run();
  } catch (thrown) {
    throw maskError(thrown, policy);
  }
};

/** `const safe = secureTool(readMail, policy)`. @throws ToolRefused, or what the tool threw with its text masked. */
export const secureTool =
  <A>(tool: Tool<A>, policy: ToolPolicy = {}): SecuredTool =>
  async (args) => {
    const checked = policy.check?.(args) ?? { args, stripped: [] };
    if ('refusal' in checked) throw new ToolRefused(checked.refusal);
    const result = await attempt(() => tool(checked.args as A), policy);
    return { ...guardResult(result, policy), stripped: checked.stripped };
  };

/** `@guarded(policy)` before a method that takes one object (TC39 decorators, stage 3). */
export const guarded =
  (policy: ToolPolicy = {}) =>
  <This, A>(method: (this: This, args: A) => unknown): ((this: This, args: A) => Promise<Guarded>) =>
    function (this: This, args: A) {
      return secureTool<A>((checked) => method.call(this, checked), policy)(args as Readonly<Record<string, Json>>);
    };
