// What `airlock mcp connect` put into the client's file starts a server that finds the gateway, with nothing else passed on.
import { addMailbox, checkout, startTestInstance, type Running } from '@airlock/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

interface Entry {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

let running: Running;
let home: string;
t.before(async () => {
  home = mkdtempSync(join(tmpdir(), 'setup-'));
  running = await startTestInstance();
  await addMailbox(running);
});
t.teardown(async () => {
  await running.stop();
  rmSync(home, { recursive: true, force: true });
});

const BUNDLE = join(checkout, 'dist/lib/airlock.cjs');

t.test('the entry alone is enough to start the server', async (t) => {
  const env = { ...running.env, HOME: home, PATH: process.env['PATH'] ?? '' };
  const done = spawnSync(process.execPath, [BUNDLE, 'mcp', 'connect', 'cursor'], { encoding: 'utf8', env });
  t.equal(done.status, 0, done.stderr);
  const file = JSON.parse(readFileSync(join(home, '.cursor/mcp.json'), 'utf8')) as { mcpServers: { airlock: Entry } };
  const { command, args, env: given } = file.mcpServers.airlock;
  const client = new Client({ name: 'cursor', version: '1' });
  // A client passes on little more than this.
  const bare = { PATH: process.env['PATH'] ?? '', HOME: home };
  await client.connect(new StdioClientTransport({ command, args, env: { ...bare, ...given }, stderr: 'ignore' }));
  t.teardown(() => client.close());
  const { structuredContent } = await client.callTool({ name: 'airlock_status', arguments: {} });
  t.match(structuredContent, { role: 'default', session: String }, 'it found the gateway by itself');
  t.equal(given['AIRLOCK_AGENT'], 'cursor', 'for whom it speaks');
  const gone = spawnSync(process.execPath, [BUNDLE, 'mcp', 'disconnect', 'cursor', '--json'], { encoding: 'utf8', env });
  t.match(JSON.parse(gone.stdout), { change: 'removed' });
});
