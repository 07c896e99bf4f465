// Attack: a backup is given up half way (mistyped, killed, no room, nowhere to print), so that the last good one counts as old. BACKUP-4, BACKUP-10.
import { checkout, sit, startTestInstance, type CommandResult, type Running } from '@airlock/testkit';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { auditOf } from './support/house.js';
import { addSealed, openedWith, phoneOf, replaceSealed } from './support/keys.js';

const THEN = 'token-of-the-backup';
const NOW = 'token-of-today';
const COMMAND = join(checkout, 'dist/lib/airlock-ctl.cjs');

/**
 * Loaded by airlock-ctl: where `AT` says it is killed, or has no room. `staged` is before the file is written, `named` before it
 * gets its name, `kept` after that and before its key is printed, `printed` after its key and before airlock-totp is told.
 */
const PRELOAD = `
const fs = require('node:fs');
const { openSync, linkSync, writeSync } = fs;
const at = process.env.AT;
const die = () => process.kill(process.pid, 'SIGKILL');
const isDraft = (path) => String(path).endsWith('.new');
let draft = -1;
fs.openSync = (path, ...rest) => {
  if (isDraft(path) && at === 'staged') die();
  const fd = openSync(path, ...rest);
  if (isDraft(path)) draft = fd;
  return fd;
};
fs.writeSync = (fd, ...rest) => {
  if (fd === draft && at === 'full') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  return writeSync(fd, ...rest);
};
fs.linkSync = (...paths) => {
  if (at === 'named') die();
  if (at === 'no-name') throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  linkSync(...paths);
};
const { write } = process.stdout;
process.stdout.write = (...args) => {
  if (at === 'kept') die();
  write.apply(process.stdout, args);
  if (at === 'printed') die();
  return true;
};
`;

interface Backup {
  readonly file: string;
  readonly recoveryKey: string;
}

let running: Running;
let preload: string;
let good: Backup;
t.setTimeout(300_000);
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
  preload = join(running.dir, 'ctl.cjs');
  writeFileSync(preload, PRELOAD);
  await addSealed(running, running.secret, 'one', THEN);
  const made = await running.command('airlock-ctl', ['backup', pathOf('good'), '--json']);
  good = made.json as Backup;
});
t.teardown(() => running.stop());

const pathOf = (name: string): string => join(running.dir, name);

const restore = async ({ file, recoveryKey }: Backup): Promise<CommandResult> => {
  running.clock.advance(120_000);
  const typed = `${recoveryKey}\n${phoneOf(running, running.secret)}\n`;
  return running.command('airlock-ctl', ['restore', file, '--force', '--json'], { stdin: typed });
};

const codeOf = ({ json }: CommandResult): string => {
  const { error } = json as { error?: { code: string; message: string } };
  return error === undefined ? 'none' : `${error.code}: ${error.message}`;
};

/** The last good backup can still be restored, and is put in force. */
const goodRestores = async (t: Test): Promise<void> => {
  await replaceSealed(running, running.secret, 'one', NOW);
  const restored = await restore(good);
  t.equal(restored.status, 0, restored.stdout);
  t.equal(await openedWith(running, running.secret, 'one'), THEN);
};

const keptOnes = async (): Promise<readonly unknown[]> =>
  (await auditOf(running, 'backup_kept')).map(({ generation }) => generation);

/** @returns what was printed, and how it ended */
const abortedAt = (at: string, file: string, stdout: 'pipe' | number = 'pipe'): Promise<{ text: string; ending: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ['--require', preload, COMMAND, 'backup', file, '--json'], {
      stdio: ['ignore', stdout, 'ignore'],
      env: { PATH: process.env['PATH'], HOME: running.dir, ...running.env, AT: at },
    });
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.on('close', (status, signal) => resolve({ text, ending: signal ?? String(status) }));
  });

t.test('what was kept is in the record, beside what was only begun', async (t) => {
  t.match(await auditOf(running, 'backup_made'), [{ generation: 1 }, { generation: 2 }]);
  t.strictSame(await keptOnes(), [2]);
});

t.test('BACKUP-10: a key that was typed back wrong, or not at all', { timeout: 120_000 }, async (t) => {
  for (const answer of ['WRONG', null]) {
    const asked: string[] = [];
    const { status, screen } = await sit(running, ['backup', pathOf('mistyped')], [[/of the key: $/, answer]], asked);
    t.ok(asked.length > 0 && status !== 0, screen.slice(-200));
    t.notOk(existsSync(pathOf('mistyped')));
    await goodRestores(t);
  }
  t.strictSame(await keptOnes(), [2]);
});

for (const [at, ending] of [
  ['staged', 'SIGKILL'],
  ['named', 'SIGKILL'],
  ['kept', 'SIGKILL'],
  ['full', '2'],
  ['no-name', '2'],
] as const)
  t.test(`BACKUP-10: airlock-ctl ${ending === '2' ? 'has no room' : 'is killed'}: ${at}`, { timeout: 120_000 }, async (t) => {
    const aborted = await abortedAt(at, pathOf(at));
    t.equal(aborted.ending, ending, aborted.text);
    t.notMatch(aborted.text, /recoveryKey/, 'no key was printed');
    t.equal(existsSync(pathOf(at)), at === 'kept');
    await goodRestores(t);
    t.strictSame(await keptOnes(), [2]);
  });

t.test('BACKUP-10: a key that could not be printed', { timeout: 120_000 }, async (t) => {
  const full = openSync('/dev/full', 'w');
  const { ending } = await abortedAt('', pathOf('unprinted'), full);
  closeSync(full);
  t.equal(ending, '1');
  await goodRestores(t);
  t.strictSame(await keptOnes(), [2]);
});

t.test('BACKUP-10: killed before airlock-totp is told: both restore, and the later one makes the former old', async (t) => {
  await replaceSealed(running, running.secret, 'one', NOW);
  const { text, ending } = await abortedAt('printed', pathOf('untold'));
  t.equal(ending, 'SIGKILL');
  await goodRestores(t);
  const restored = await restore(JSON.parse(text) as Backup);
  t.equal(restored.status, 0, restored.stdout);
  t.equal(await openedWith(running, running.secret, 'one'), NOW);
  t.match(codeOf(await restore(good)), /^PARAMS_INVALID: the backup is older than the newest/);
});

t.test('BACKUP-4: negative control: what was kept makes the one before it old', { timeout: 120_000 }, async (t) => {
  const made = await running.command('airlock-ctl', ['backup', pathOf('before'), '--json']);
  const before = made.json as Backup;
  const { status, screen } = await sit(running, ['backup', pathOf('typed')], [[/of the key: $/, (shown) => groupAsked(shown)]]);
  t.equal(status, 0, screen.slice(-200));
  t.match(codeOf(await restore(before)), /^PARAMS_INVALID: the backup is older than the newest/);
  t.notOk(readdirSync(running.dir).some((name) => /^(?:mistyped|full|no-name|typed|before)\..*\.new$/.test(name)));
});

/** What a person types who wrote the key down. */
const groupAsked = (screen: string): string => {
  const groups = screen.match(/\b[A-Z2-7]{5}(?=-|\n)/g) ?? [];
  const index = Number(/group (\d+) of the key: /.exec(screen)?.[1] ?? 0) - 1;
  return groups[index] ?? '';
};
