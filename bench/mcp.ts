/** tools/call through Airlock against the same tool directly: the same official client, both revisions, few tools and many. */
import { approveFront, checkout, startTestInstance, type Running } from '@airlock/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withFreshCode } from './codes.js';

const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
type Revision = (typeof REVISIONS)[number];
const SIZES = [50, 5000] as const;
const WARM_UP = 300;
const CALLS = 150;
/** Short rounds alternate the two, so that both see the same machine. */
const ROUNDS = 9;

const SERVER = fileURLToPath(new URL('mcp-server.js', import.meta.url));
const AIRLOCK = join(checkout, 'dist/lib/airlock.cjs');
const CALL = { name: 'echo_7', arguments: { text: 'x'.repeat(200) } };

const open = async (revision: Revision, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Client> => {
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    revision === '2026-07-28' ? { versionNegotiation: { mode: { pin: revision } } } : {},
  );
  const known = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const transport = { command: process.execPath, args: [...args], env: Object.fromEntries(known), stderr: 'ignore' as const };
  await client.connect(new StdioClientTransport(transport));
  return client;
};

const obtain = async (running: Running, client: Client, service: string): Promise<void> => {
  const ask = { scopes: [`${service}:read`], reason: 'the benchmark', ttl_minutes: 60 };
  const { structuredContent } = await client.callTool({ name: 'airlock_request_access', arguments: ask });
  await withFreshCode(() => approveFront(running));
  const { request } = structuredContent as { request: string };
  await client.callTool({ name: 'airlock_wait', arguments: { request } });
};

/** @throws Error where a call is anything but its own text: a refusal is quick, and no measure of a call */
const callUs = async (client: Client, count: number): Promise<number> => {
  const start = process.hrtime.bigint();
  for (let n = 0; n < count; n += 1) {
    const { content, isError } = await client.callTool(CALL);
    const [first] = content;
    if (isError === true || first?.type !== 'text' || first.text !== CALL.arguments.text)
      throw new Error(JSON.stringify(content));
  }
  return Number(process.hrtime.bigint() - start) / 1000 / count;
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

interface Figures {
  readonly revision: Revision;
  readonly tools: number;
  readonly directUs: number;
  readonly airlockUs: number;
  readonly addedUs: number;
  readonly ratio: number;
}

const measure = async (running: Running, revision: Revision, tools: number): Promise<Figures> => {
  const direct = await open(revision, [SERVER, String(tools)]);
  const governed = await open(revision, [AIRLOCK, 'mcp', '--service', `up${tools}`], running.env);
  await obtain(running, governed, `up${tools}`);
  const pairs: [number, number][] = [];
  await callUs(direct, WARM_UP);
  await callUs(governed, WARM_UP);
  for (let n = 0; n < ROUNDS; n += 1) pairs.push([await callUs(direct, CALLS), await callUs(governed, CALLS)]);
  await Promise.all([direct.close(), governed.close()]);
  const [directUs, airlockUs] = [median(pairs.map(([one]) => one)), median(pairs.map(([, one]) => one))];
  const ratio = median(pairs.map(([bare, own]) => bare / own));
  return {
    ...{ revision, tools },
    directUs: Math.round(directUs),
    airlockUs: Math.round(airlockUs),
    addedUs: Math.round(median(pairs.map(([bare, own]) => own - bare))),
    ratio: Math.round(ratio * 100) / 100,
  };
};

const addService = async (running: Running, tools: number): Promise<void> => {
  const args = ['service', 'add', 'mcp', '--name', `up${tools}`, '--json', '--', process.execPath, SERVER, String(tools)];
  const code = await withFreshCode(async () => running.freshCode());
  const added = await running.command('airlock-ctl', args, { stdin: `${code}\n` });
  if (added.status !== 0) throw new Error(`service add: ${added.stdout}${added.stderr}\n${running.output().slice(-1500)}`);
};

/** `{figures: [{revision, tools, directUs, airlockUs, addedUs, ratio}], manyToFew}`; `ratio` is the throughput against the tool directly. */
export const run = async (): Promise<object> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-bench-'));
  writeFileSync(join(config, 'airlock.yaml'), 'anomalies: {calls_per_minute: 1000000}\n');
  const running = await startTestInstance({ config, realTime: true, cells: 6 });
  try {
    for (const tools of SIZES) await addService(running, tools);
    const figures: Figures[] = [];
    for (const tools of SIZES) for (const revision of REVISIONS) figures.push(await measure(running, revision, tools));
    const added = (tools: number): number => median(figures.filter((one) => one.tools === tools).map(({ addedUs }) => addedUs));
    return { figures, manyToFew: Math.round((added(SIZES[1]) / added(SIZES[0])) * 100) / 100 };
  } finally {
    await running.stop();
    rmSync(config, { recursive: true, force: true });
  }
};
