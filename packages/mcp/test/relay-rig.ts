/** The relay before a scripted upstream, and clients of both revisions without a network. */
import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport, createMcpHandler, type CallToolResult, type Tool } from '@modelcontextprotocol/server';
import type { Json, Params } from '@airlock/protocol';
import type { ManualTimers } from '@airlock/protocol/dev';
import type { Test } from 'tap';
import { Relay, createRelayServer, type CallOptions, type OwnSide, type RelayCalls, type RelayedTool } from '../src/index.js';

type Members = Readonly<Record<string, unknown>>;
export type Script = (params: Params, options: CallOptions) => Promise<Json> | Json;

const definition = (name: string): Tool => ({ name, description: `Does ${name}`, inputSchema: { type: 'object' } });

/** What the relay waits for more questions (RELAY-8). */
export const QUIET_MS = 250;

/** Has the time pass that the relay waits for more questions, whenever it does. */
export const answered = async <T>(timers: ManualTimers, answer: Promise<T>): Promise<T> => {
  const state = { isThere: false };
  const done = (): void => void (state.isThere = true);
  answer.then(done, done);
  while (!state.isThere) {
    await new Promise(setImmediate);
    if (timers.isDue(QUIET_MS)) timers.advance(QUIET_MS);
  }
  return answer;
};

/** Operations are named `op_TOOL`. */
export class ScriptedCalls implements RelayCalls {
  readonly log: { readonly operation: string; readonly params: Params; readonly mcp: unknown }[] = [];
  readonly #listeners = new Set<(method: string, params: Members) => void>();
  readonly script: Map<string, Script>;
  readonly names: readonly string[];

  constructor(script: Readonly<Record<string, Script>>, names: readonly string[]) {
    this.script = new Map(Object.entries(script));
    this.names = names;
  }

  tools(): Promise<ReadonlyMap<string, RelayedTool>> {
    return Promise.resolve(new Map(this.names.map((name) => [name, { operation: `op_${name}`, definition: definition(name) }])));
  }

  async tool(name: string): Promise<RelayedTool | undefined> {
    return (await this.tools()).get(name);
  }

  async call(operation: string, params: Params, options: CallOptions): Promise<Json> {
    this.log.push({ operation, params, mcp: options.exchange.mcp });
    const script = this.script.get(operation);
    if (script === undefined) return {};
    return script(params, options);
  }

  refusal(thrown: unknown): Promise<CallToolResult> {
    return Promise.resolve({
      content: [{ type: 'text', text: String(thrown) }],
      isError: true,
      structuredContent: { refused: true },
    });
  }

  listen(listener: (method: string, params: Members) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  say(method: string, params: Members): void {
    for (const listener of this.#listeners) listener(method, params);
  }
}

const OWN: OwnSide = {
  definitions: [definition('airlock_status')],
  run: (name) => (name === 'airlock_status' ? Promise.resolve({ content: [{ type: 'text', text: 'ours' }] }) : null),
};

export interface Rig {
  readonly calls: ScriptedCalls;
  readonly relay: Relay;
  /** A client of 2025-11-25; what it declared it answers with `answers`. */
  readonly legacy: (answers?: Readonly<Record<string, unknown>>) => Promise<Client>;
  /** One request of 2026-07-28, and its answer. */
  readonly modern: (method: string, params: Members, capabilities?: Members) => Promise<Members>;
}

const ENVELOPE = 'io.modelcontextprotocol/';

const legacyClient = async (test: Test, rig: Pick<Rig, 'relay'>, answers: Readonly<Record<string, unknown>>): Promise<Client> => {
  const capabilities = Object.fromEntries(Object.keys(answers).map((method) => [method.split('/')[0] ?? '', {}]));
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  for (const [method, answer] of Object.entries(answers)) {
    client.setRequestHandler(method as 'roots/list', () => answer as { roots: [] });
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await createRelayServer({ relay: rig.relay, name: 'airlock', version: '1', instructions: '' }).connect(ours);
  await client.connect(theirs);
  test.teardown(() => client.close());
  return client;
};

export const open = (
  test: Test,
  script: Readonly<Record<string, Script>>,
  names: readonly string[],
  timers: ManualTimers,
): Rig => {
  const calls = new ScriptedCalls(script, names);
  const relay = new Relay(calls, OWN, timers);
  const handler = createMcpHandler(() => createRelayServer({ relay, name: 'airlock', version: '1', instructions: '' }), {
    legacy: 'reject',
    responseMode: 'json',
  });
  test.teardown(() => handler.close());
  const modern: Rig['modern'] = async (method, params, capabilities = {}) => {
    const name = params['uri'] ?? params['name'];
    const _meta = { [`${ENVELOPE}protocolVersion`]: '2026-07-28', [`${ENVELOPE}clientCapabilities`]: capabilities };
    const response = await handler.fetch(
      new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method,
          params: { ...params, _meta: { ..._meta, ...(params['_meta'] as object) } },
        }),
      }),
    );
    return (await response.json()) as Members;
  };
  return { calls, relay, modern, legacy: (answers = {}) => legacyClient(test, { relay }, answers) };
};
