/**
 * A tool of the official MCP SDK behind the guard: `secureMcpTool(server, name, config, handler, policy)` in place of
 * `server.registerTool(name, config, handler)`. Nothing of the SDK is imported: 1.x and 2.x are known by their form.
 *
 * GUARD-18  the handler gets no argument that its schema does not name, and no answer, error or text of it leaves unmasked;
 *           a refusal is a result with `isError` that says field, expected, found and hint.
 */
import { checkWith, type Ghosts } from './arguments.js';
import { passing, refuseIssues, schemaOf, type Issue, type StandardSchema } from './mcp/schema.js';
import { RiskTooHigh, guardToolResult, refusedResult, type ToolResult } from './mcp/result.js';
import { ToolRefused, maskError, type Checked, type ToolPolicy } from './tool.js';

export type { StandardSchema } from './mcp/schema.js';
export type { ToolResult } from './mcp/result.js';

/** What an MCP server of either SDK has. */
export interface McpToolServer<R> {
  registerTool(name: string, config: object, handler: (...args: never[]) => unknown): R;
}

/** The configuration of `registerTool`: what the guard looks at. */
export interface McpToolConfig<A> {
  /** An object schema (`z.object({…})`); without one the tool takes nothing. */
  readonly inputSchema?: StandardSchema<A> | undefined;
  readonly outputSchema?: object | undefined;
}

export interface McpToolPolicy extends ToolPolicy {
  /** What happens to an argument the schema does not name; refused where left out. */
  readonly ghosts?: Ghosts;
}

type Handler<A> = (args: A, context: never) => unknown;
type Args = Parameters<NonNullable<ToolPolicy['check']>>[0];

/** The check of the policy, else that of the schema. @throws TypeError where the schema cannot say what it names */
const checkOf = (schema: StandardSchema<unknown>, { check, ghosts }: McpToolPolicy): ((args: Args) => Checked) =>
  check ?? checkWith(schemaOf(schema), ghosts);

/** What the schema itself makes of the arguments: defaults, transformations, refinements. @throws ToolRefused */
const parsed = async (schema: StandardSchema<unknown>, args: Args): Promise<unknown> => {
  const outcome = await schema['~standard'].validate(args);
  const { issues } = outcome as { readonly issues?: readonly Issue[] };
  if (issues !== undefined) throw new ToolRefused(refuseIssues(issues));
  return (outcome as { readonly value: unknown }).value;
};

/** The SDK's own way to ask the human for a visit; it has to see it as it was thrown. */
const URL_ELICITATION_REQUIRED = -32042;

const isForTheSdk = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === URL_ELICITATION_REQUIRED;

interface Guarding {
  readonly policy: McpToolPolicy;
  readonly outputSchema: object | undefined;
}

const run = async (
  work: () => Promise<{ readonly result: unknown; readonly stripped: readonly string[] }>,
  { policy, outputSchema }: Guarding,
): Promise<ToolResult> => {
  try {
    const { result, stripped } = await work();
    return await guardToolResult(result, policy, { stripped, outputSchema });
  } catch (thrown) {
    if (isForTheSdk(thrown)) throw thrown;
    if (thrown instanceof RiskTooHigh) return refusedResult(thrown.refusal, policy, outputSchema, 'RISK_TOO_HIGH');
    if (thrown instanceof ToolRefused) return refusedResult(thrown.refusal, policy, outputSchema);
    return refusedResult({ message: maskError(thrown, policy).message }, policy, outputSchema, 'INTERNAL');
  }
};

/** MCP answers go to a model, so codes are withheld unless the policy says otherwise. */
const withCodes = (policy: McpToolPolicy): McpToolPolicy => ({ ...policy, redact: { codes: true, ...policy.redact } });

/**
 * Registers the tool, guarded. @returns what `registerTool` returns.
 * @throws TypeError for a schema that is no object schema, or that cannot be written as JSON Schema where no `check` is given.
 */
export const secureMcpTool = <R, A = Readonly<Record<string, never>>>(
  server: McpToolServer<R>,
  name: string,
  config: McpToolConfig<A> & Readonly<Record<string, unknown>>,
  handler: Handler<A>,
  policy: McpToolPolicy = {},
): R => {
  const { inputSchema: schema, outputSchema } = config;
  const guarding: Guarding = { policy: withCodes(policy), outputSchema };
  if (schema === undefined) {
    const call = handler as unknown as (context: never) => unknown;
    return server.registerTool(name, config, (context: never) =>
      run(async () => ({ result: await call(context), stripped: [] }), guarding),
    );
  }
  const check = checkOf(schema, policy);
  return server.registerTool(name, { ...config, inputSchema: passing(schema) }, (args: never, context: never) =>
    run(async () => {
      const checked = check(args);
      if ('refusal' in checked) throw new ToolRefused(checked.refusal);
      const result = await handler((await parsed(schema, checked.args)) as A, context);
      return { result, stripped: checked.stripped };
    }, guarding),
  );
};
