// The development launcher under npm, and two of them on one directory.
import { checkout, startTestInstance } from '@airlock/testkit';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

t.test('a second launcher on a directory in use is refused, named the first, and harms nothing', async (t) => {
  const running = await startTestInstance({ cells: 1 });
  t.teardown(() => running.stop());
  const up = ['up', '--dir', join(running.dir, 'i'), '--json'];
  const second = spawnSync(process.execPath, [join(checkout, 'packages/testkit/bin/dev.js'), ...up], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  t.equal(second.status, 5);
  t.match(second.stdout, /is in use by the launcher with pid \d+/);
  t.equal((await running.command('airlock-ctl', ['status', '--json'])).status, 0, 'the first goes on');
});

t.test('npm run dev ends with exit status 0 on SIGTERM', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const args = ['run', '--silent', 'dev', '--', 'up', '--dir', join(dir, 'i'), '--cells', '1', '--json'];
  const child = spawn('npm', args, { cwd: checkout, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const first = await new Promise<string>((resolve) => child.stdout.setEncoding('utf8').once('data', resolve));
  t.match(JSON.parse(first.split('\n')[0] ?? ''), { ready: true });
  child.kill('SIGTERM');
  t.equal(await ended, 0);
});
