/** The official client on a server process of its own, against a scripted gateway. */
import { fileURLToPath } from 'node:url';
import { Client, type ElicitResult } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { FakeGateway, type FakeOptions } from '@airlock/client/test/fake-gateway';
import type { Test } from 'tap';

export interface Answer {
  readonly isError: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

export interface Rig {
  readonly gateway: FakeGateway;
  readonly client: Client;
  /** Number of list-changed notifications so far. */
  readonly changes: () => number;
  /** Waits for a further one than `after`. */
  readonly changed: (after: number) => Promise<void>;
  readonly tool: (name: string, args?: Record<string, unknown>) => Promise<Answer>;
}

const ENTRY = fileURLToPath(new URL('entry.js', import.meta.url));

export interface OpenOptions extends FakeOptions {
  /** Leaves the gateway stopped. */
  readonly down?: boolean;
  /** 2025-11-25 where left out. */
  readonly revision?: '2026-07-28';
  /** Directory of the operator's configuration, for skills. */
  readonly configDir?: string;
  /** `--tools`. */
  readonly listing?: string;
  /** Answers the server's forms; with it the client says that it can. */
  readonly onForm?: (request: { readonly params: object }) => ElicitResult;
}

/** A started server and the official client on it. */
export const open = async (test: Test, options: OpenOptions = {}): Promise<Rig> => {
  const gateway = new FakeGateway(options);
  if (options.down !== true) await gateway.start();
  let count = 0;
  const wakers = new Set<() => void>();
  const { revision, onForm } = options;
  const client = new Client(
    { name: 'test', version: '1' },
    {
      ...(revision === undefined ? {} : { versionNegotiation: { mode: { pin: revision } } }),
      ...(onForm === undefined ? {} : { capabilities: { elicitation: { form: {} } } }),
    },
  );
  if (onForm !== undefined) client.setRequestHandler('elicitation/create', ({ params }) => onForm({ params }));
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    count += 1;
    for (const wake of wakers) wake();
  });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [ENTRY, ...(options.listing === undefined ? [] : [options.listing])],
      // Skills of this machine's own are none of the tests'.
      env: { ...gateway.env, AIRLOCK_CONFIG_DIR: options.configDir ?? gateway.dir },
      stderr: 'inherit',
    }),
  );
  test.teardown(async () => {
    await client.close();
    await gateway.remove();
  });
  const changed = async (after: number): Promise<void> => {
    while (count <= after) {
      await new Promise<void>((resolve) => wakers.add(resolve));
    }
  };
  const tool = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> => {
    const { content, structuredContent, isError } = await client.callTool({ name, arguments: args });
    const [first] = content;
    const text = first?.type === 'text' ? first.text : '';
    return { isError: isError === true, text, structured: (structuredContent ?? {}) as Record<string, unknown> };
  };
  return { gateway, client, changes: () => count, changed, tool };
};
