// Attack, or bad luck: a file is cut short, garbled, emptied or gone. The daemon lives, says why, changes nothing. STATE-3, AUDIT-9.
import {
  addMailbox,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  until,
  type Running,
} from '@airlock/testkit';
import { readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Disk, imprint, statePaths, untilSigned, type Daemon, type Seen } from './state-files.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 2 });
  await addMailbox(running);
  const agent = await openSession(running);
  await obtainLease(running, agent, ['mail:read']);
  agent.close();
  // So that the count of backups is among the files.
  await running.command('airlock-ctl', ['backup', join(running.dir, 'backup'), '--json']);
});
t.teardown(() => running.stop());

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'cut in half': (path) => truncateSync(path, Math.floor(readFileSync(path).length / 2)),
  'garbled in the middle': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 3);
    writeFileSync(path, bytes);
  },
};

/** What may be lost without harm, since nothing is granted by it: sessions, budgets and blocks end with what cannot be read. */
const isBearable = (path: string): boolean =>
  /^(sessions|budgets|blocks)\.jsonl$/.test(path) || path.startsWith('vault/default/');

/** Both where the form of the file matters; what is sealed as a whole is the same to either. */
const damagesOf = (path: string): [string, (path: string) => void][] =>
  Object.entries(DAMAGES).slice(/\.(state|jsonl)$|heads$/.test(path) ? 0 : 1);

const ctlStatus = async (): Promise<unknown> => (await running.command('airlock-ctl', ['status', '--json'])).json;

const EXIT: Readonly<Record<string, number>> = { VAULT_UNREADABLE: 6, AUDIT_UNAVAILABLE: 7 };

for (const daemon of ['airlock-totp', 'airlock-gateway'] as const satisfies readonly Daemon[]) {
  t.test(daemon, async (t) => {
    const disk = new Disk(running, daemon);
    await untilSigned(running, daemon);
    t.equal((await disk.keep()).code, null, 'negative control: a restart alone');
    const { files } = statePaths(running, daemon);
    const check = (seen: Seen, path: string, name: string): void => {
      if (isBearable(path)) return void t.ok(seen.code === null || seen.code === 'VAULT_UNREADABLE', `${path} ${name}`);
      t.ok(seen.code === 'VAULT_UNREADABLE' || seen.code === 'AUDIT_UNAVAILABLE', `${path} ${name}: ${String(seen.code)}`);
      t.ok((seen.sealed?.hint ?? '') !== '', seen.sealed?.message ?? 'no reason');
    };
    for (const path of files) {
      for (const [name, damage] of damagesOf(path)) {
        let before = '';
        const seen = await disk.startOn(() => {
          damage(join(disk.base, path));
          before = imprint(join(disk.base, path));
        });
        if (daemon === 'airlock-gateway' && path.startsWith('audit/') && seen.code === null) {
          // What a power cut leaves at the end is cut off; airlock-totp knows how long the log was, and locks (BRIDGE-5).
          await until('the lock', async () => ((await ctlStatus()) as { locked: boolean }).locked);
          continue;
        }
        check(seen, path, name);
        if (seen.code !== null) t.equal(imprint(join(disk.base, path)), before, `${path} is left as it is`);
      }
    }
    const pid = await daemonOf(running, daemon);
    const [code] = [(await disk.startOn(() => truncateSync(join(disk.base, files[0] ?? ''), 1))).code];
    t.not(pid, await daemonOf(running, daemon));
    if (daemon === 'airlock-totp') await checkSealedTotp(t, code ?? '');
    t.equal((await disk.startOn(() => undefined)).code, null, 'repaired by putting back what was there');
    if (daemon === 'airlock-totp') {
      for (const path of ['default.state', 'wrap.key', 'heads']) {
        const seen = await disk.startOn(() => unlinkSync(join(disk.base, path)));
        t.equal(seen.code, 'VAULT_UNREADABLE', `${path} gone: ${seen.sealed?.message ?? 'not noticed'}`);
      }
      t.equal((await disk.startOn(() => undefined)).code, null);
    }
  });
}

type Test = Parameters<Extract<Parameters<typeof t.test>[0], (t: never) => unknown>>[0];

/** Sealed: every command that needs the daemon says the same, with the exit status of the table, and nothing hangs. */
const checkSealedTotp = async (t: Test, code: string): Promise<void> => {
  const exit = EXIT[code] ?? -1;
  for (const args of [
    ['approve', '123456'],
    ['deny'],
    ['pending'],
    ['leases'],
    ['revoke', '--all'],
    ['lock'],
    ['totp', 'reset'],
  ]) {
    const result = await running.command('airlock-ctl', [...args, '--json'], { stdin: '\n' });
    t.equal(result.status, exit, `${args.join(' ')}: ${result.stdout}${result.stderr}`);
    t.match(result.json, { error: { code, hint: /.+/ } });
  }
  t.match((await running.command('airlock-ctl', ['status', '--json'])).json, { totp: { up: true, sealed: { code } } });
  const agent = await openSession(running);
  t.not(await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x' })), null);
  agent.close();
};
