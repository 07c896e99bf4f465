// The development launcher as outside programs drive it (interfaces.md), from its first line to its last process.
import { checkout, codeAt, isAlive, pidsOf, startTestInstance, until } from '@airlock/testkit';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

interface Ready {
  readonly ready: boolean;
  readonly env: Record<string, string>;
  readonly sockets: Record<string, string>;
  readonly pids: { readonly totp: number; readonly gateway: number };
}

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

const launch = (dir: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [join(checkout, 'packages/testkit/bin/dev.js'), 'up', '--dir', dir, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const firstLine = (child: ChildProcess): Promise<Ready> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stderr?.resume();
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf('\n');
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)) as Ready);
    });
    child.once('exit', (status) => reject(new Error(`the launcher ended with ${String(status)}`)));
  });

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve));

const temporary = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

t.test('the first line says all; SIGTERM leaves nothing and exits 0', async (t) => {
  const dir = temporary();
  const child = launch(join(dir, 'i'), '--roles', 'mail,other', '--cells', '2');
  const { ready, env, sockets, pids } = await firstLine(child);
  t.equal(ready, true);
  t.same(Object.keys(sockets).sort(), [
    ...['agent/mail', 'agent/other', 'approve/default', 'bridge', 'export', 'operator/default', 'presence', 'release', 'root'],
  ]);
  for (const path of Object.values(sockets)) t.ok(existsSync(path), path);
  for (const name of ['AIRLOCK_RUNTIME_DIR', 'AIRLOCK_STATE_DIR', 'AIRLOCK_CONFIG_DIR']) t.ok(existsSync(env[name] ?? ''), name);
  t.ok(isAlive(pids.totp) && isAlive(pids.gateway));
  const cells = pidsOf({ env } as never, 'airlock-cell');
  t.equal(cells.length, 2);
  child.kill('SIGTERM');
  t.equal(await ended(child), 0);
  for (const pid of [pids.totp, pids.gateway, ...cells]) t.notOk(isAlive(pid), String(pid));
  for (const path of Object.values(sockets)) t.notOk(existsSync(path), path);
});

t.test('a killed launcher leaves no daemon behind', async (t) => {
  const dir = temporary();
  const child = launch(join(dir, 'i'), '--cells', '1');
  const { pids } = await firstLine(child);
  child.kill('SIGKILL');
  await ended(child);
  await until('the end of the daemons', () => !isAlive(pids.totp) && !isAlive(pids.gateway));
  const again = launch(join(dir, 'i'), '--cells', '1');
  t.equal((await firstLine(again)).ready, true, 'the same directory can be used again');
  again.kill('SIGTERM');
  t.equal(await ended(again), 0);
});

t.test('wrong options: exit 2 and a hint', async (t) => {
  for (const args of [['--roles', 'Not a Role'], ['--cells', '0'], ['--nosuch'], ['--config', '/nonexistent/directory']]) {
    const child = launch(join(temporary(), 'i'), ...args);
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    t.equal(await ended(child), 2, args.join(' '));
    t.match(JSON.parse(out), { error: { code: 'PARAMS_INVALID', hint: /.+/ } });
  }
});

t.test('without a secret file nobody is enrolled; enrolment goes through the commands', async (t) => {
  const running = await startTestInstance({ enrolled: false, cells: 1 });
  t.teardown(() => running.stop());
  const status = async (): Promise<unknown> => (await running.command('airlock-ctl', ['status', '--json'])).json;
  t.match(await status(), { enrolled: false });
  const early = await running.command('airlock-ctl', ['approve', '123456', '--json']);
  t.equal(early.status, 6, early.stdout);
  t.match(early.json, { error: { code: 'NOT_ENROLLED' } });

  const setup = await running.command('airlock-ctl', ['totp', 'setup', '--secret-stdin', '--json'], { stdin: `${SECRET}\n` });
  t.equal(setup.status, 0, setup.stdout + setup.stderr);
  const { secret, otpauth, recoveryCodes } = setup.json as { secret: string; otpauth: string; recoveryCodes: string[] };
  t.equal(secret, SECRET);
  t.match(otpauth, /^otpauth:\/\/totp\//);
  t.equal(recoveryCodes.length, 10);
  t.match(await status(), { enrolled: false }, 'nothing counts before two codes');
  const verify = (): ReturnType<typeof running.command> =>
    running.command('airlock-ctl', ['totp', 'verify', '--code-stdin', '--json'], {
      stdin: `${codeAt(SECRET, running.clock.wallMs())}\n`,
    });
  const first = await verify();
  t.equal(first.status, 4, 'not complete yet');
  t.match(first.json, { enrolled: false, codesNeeded: 1 });
  t.match(await status(), { enrolled: false });
  running.clock.advance(30_000);
  t.equal((await verify()).status, 0);
  t.match(await status(), { enrolled: true });
});

t.test('a configuration error starts both sealed, and the launcher is ready', async (t) => {
  const config = join(temporary(), 'config');
  mkdirSync(config);
  writeFileSync(join(config, 'airlock.yaml'), 'leases:\n  max_ttl_minutes: many\n');
  const running = await startTestInstance({ config, cells: 1 });
  t.teardown(() => running.stop());
  const { json } = await running.command('airlock-ctl', ['status', '--json']);
  const sealed = { code: 'CONFIG_INVALID', message: /airlock\.yaml.*max_ttl_minutes/s };
  t.match(json, { totp: { sealed }, gateway: { sealed } });
});
