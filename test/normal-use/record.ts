/**
 * Records what real client programs send in normal use: `node test/dist/normal-use/record.js` writes test/normal-use/calls.jsonl.
 *
 * The `airlock` command, the client library and the official MCP client on `airlock mcp` work at full speed, without
 * the time an agent takes to think, against the development launcher. A socket between them and the gateway notes each
 * request and how it ended: no parameter and no result, only digests. The mistakes agents make are part of it.
 */
import { connectAirlock, isAirlockError } from '@airlock/client';
import { addMailbox, approveFront, checkout, startTestInstance, type Running, type SampleMessage } from '@airlock/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One request of a program. */
export interface RecordedCall {
  /** Since the recording began. */
  readonly atMs: number;
  readonly program: string;
  readonly session: string;
  readonly method: string;
  /** Service and operation of a call. */
  readonly at: string;
  /** Digest of the parameters. */
  readonly params: string;
  /** null: it was answered. */
  readonly code: string | null;
}

interface Frame {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly service?: string; readonly operation?: string; readonly params?: object };
  readonly result?: { readonly session?: string };
  readonly error?: { readonly data?: { readonly code?: string } };
}

const MESSAGES = 240;
const DIGEST_CHARS = 12;
const NOT_RECORDED: ReadonlySet<string> = new Set(['hello']);

const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, DIGEST_CHARS);

const began = performance.now();
const calls: RecordedCall[] = [];

/** Cuts a stream into the lines of the wire. */
const lines = (take: (frame: Frame) => void): ((chunk: Buffer) => void) => {
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk.toString('utf8')).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(JSON.parse(part) as Frame);
  };
};

/** A socket that passes everything on and notes what was asked and how it ended. */
const tap = async (path: string, to: string, program: string): Promise<Server> => {
  const server = createServer((near) => {
    const far = connect(to);
    const asked = new Map<number, Omit<RecordedCall, 'code' | 'session'>>();
    let session = '';
    near.on(
      'data',
      lines(({ id = -1, method = '', params = {} }) => {
        const { service, operation } = params;
        const at = service === undefined ? '' : `${service} ${operation ?? ''}`;
        const atMs = Math.round(performance.now() - began);
        asked.set(id, { atMs, program, method, at, params: digest(params.params ?? params) });
      }),
    );
    far.on(
      'data',
      lines(({ id = -1, result, error }) => {
        const request = asked.get(id);
        if (request === undefined) return;
        asked.delete(id);
        session = request.method === 'hello' ? (result?.session ?? '') : session;
        if (!NOT_RECORDED.has(request.method)) calls.push({ ...request, session, code: error?.data?.code ?? null });
      }),
    );
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
};

const messages = (): SampleMessage[] =>
  Array.from({ length: MESSAGES }, (_, n) => ({
    from: `Person ${n % 17} <p${n % 17}@example.org>`,
    subject: n % 5 === 0 ? `Invoice ${n}` : `About ${n}`,
    date: new Date(Date.UTC(2026, 9, 1, n)).toUTCString().replace('GMT', '+0000'),
    body: `Text of message ${n}.`,
    ...(n % 3 === 0 ? { flags: 'S' } : {}),
  }));

/** The id of a message that is no longer there. */
const gone = (n: number): string => Buffer.from(JSON.stringify(['INBOX', 0, `160430400${n}.M1P1.gone`])).toString('base64url');

interface Listing {
  readonly messages: readonly { readonly id: string }[];
}
interface Mail {
  listMessages(params?: object): Promise<Listing>;
  search(params: object): Promise<Listing>;
  getMessage(params: { id: string }): Promise<object>;
  countUnread(params?: object): Promise<object>;
}

const failing = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!isAirlockError(error)) throw error;
  }
};

/** A program that goes through its mail: lists, reads all of it, looks some up again, and makes mistakes. */
const libraryJob = async (running: Running, socket: string, rounds: number): Promise<void> => {
  const airlock = await connectAirlock<{ mail: Mail }>({ env: { ...running.env, AIRLOCK_SOCKET: socket } });
  await failing(airlock.mail.countUnread());
  const access = await airlock.requestAccess({
    ...{ scopes: ['mail:read'], reason: 'go through the mail', ttlS: 3600 },
    onPending: () => void approveFront(running),
  });
  const { mail } = access;
  for (let round = 0; round < rounds; round += 1) {
    const found = await mail.listMessages({ limit: 100 });
    for (const { id } of found.messages) await mail.getMessage({ id });
    await mail.search({ subject: 'Invoice' });
    await failing(mail.listMessages({ limit: 0 }));
    await failing(mail.getMessage({ id: gone(round) }));
    await mail.countUnread();
  }
  await access.release();
  await failing(mail.countUnread());
  await airlock.close();
};

/** An agent over MCP: the same tools in the order a model uses them, with a wrong name and a wrong argument now and then. */
const mcpJob = async (running: Running, socket: string, tasks: number): Promise<void> => {
  const client = new Client({ name: 'recorder', version: '1' });
  const args = [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'];
  const env = { ...running.env, AIRLOCK_SOCKET: socket };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }));
  const tool = async (name: string, given: Record<string, unknown> = {}): Promise<Record<string, unknown>> =>
    ((await client.callTool({ name: `airlock_${name}`, arguments: given })).structuredContent ?? {}) as Record<string, unknown>;
  await tool('list_emails', { limit: 5 });
  const asked = await tool('request_access', { scopes: ['mail:read'], reason: 'answer questions about mail' });
  await approveFront(running);
  await tool('wait', { request: asked['request'] });
  for (let task = 0; task < tasks; task += 1) {
    await tool('status');
    await tool('count_unread');
    const listed = await tool('list_emails', { limit: 10 });
    const { messages: found } = listed['result'] as Listing;
    for (const { id } of found.slice(0, 5)) await tool('get_email', { id });
    await tool('search_emails', { from: `p${task % 17}@example.org` });
    if (task % 6 === 0) await tool('get_email', { id: gone(task) });
    if (task % 4 === 0) await tool('list_emails', { limit: 'ten' });
  }
  await client.close();
};

/** A shell script: one process a call. */
const commandJob = async (running: Running, socket: string, count: number): Promise<void> => {
  const env = { AIRLOCK_SOCKET: socket };
  const airlock = (...args: string[]): ReturnType<Running['command']> => running.command('airlock', args, { env });
  await airlock('call', 'mail', 'count_unread');
  const { json } = await airlock('request', 'mail:read', '--reason', 'a nightly report', '--json');
  await approveFront(running);
  const granted = await airlock('wait', (json as { request: string }).request, '--json');
  if (granted.status !== 0) throw new Error(`${granted.stdout}${granted.stderr}`);
  const listed = await airlock('call', 'mail', 'list_messages', '--json');
  const found = JSON.stringify(listed.json).match(/"id":"[^"]+"/g) ?? [];
  for (let n = 0; n < count; n += 1) {
    const id = JSON.parse(`{${found[n % found.length] ?? '"id":"none"'}}`) as { id: string };
    await airlock('call', 'mail', 'get_message', '--params', JSON.stringify(id));
    if (n % 10 === 0) await airlock('status');
    if (n % 15 === 0) await airlock('call', 'mail', 'get_mesage');
  }
};

const main = async (): Promise<void> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-record-'));
  // The clock of the instance is moved by hand; what is normal is found out here, not assumed.
  writeFileSync(join(config, 'airlock.yaml'), 'anomalies: {calls_per_minute: 1000000, errors_per_minute: 1000000}\n');
  const running = await startTestInstance({ config, cells: 8 });
  await addMailbox(running, 'mail', messages());
  const far = running.sockets['agent/default'] ?? '';
  const at = (name: string): string => join(config, `${name}.sock`);
  const servers = [];
  for (const name of ['library', 'mcp', 'command']) servers.push(await tap(at(name), far, name));
  await libraryJob(running, at('library'), 8);
  await mcpJob(running, at('mcp'), 90);
  await commandJob(running, at('command'), 220);
  await libraryJob(running, at('library'), 4);
  for (const server of servers) server.close();
  await running.stop();
  const names = new Map([...new Set(calls.map(({ session }) => session))].map((session, n) => [session, `s${n}`]));
  const text = calls.map((call) => JSON.stringify({ ...call, session: names.get(call.session) })).join('\n');
  writeFileSync(join(checkout, 'test/normal-use/calls.jsonl'), `${text}\n`);
  process.stdout.write(`${calls.length} requests, ${calls.filter(({ method }) => method === 'call').length} calls\n`);
  process.exit(0);
};

await main();
