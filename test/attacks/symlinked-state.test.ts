// Attack: let a daemon read or write through a link, or from a file that others can write. STATE-1, STATE-2, STORE-1.
import { addMailbox, obtainLease, openSession, startTestInstance, type Running } from '@airlock/testkit';
import { chmodSync, linkSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Disk, imprint, statePaths, type Daemon, type Seen } from './state-files.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 2 });
  await addMailbox(running);
  const agent = await openSession(running);
  await obtainLease(running, agent, ['mail:read']);
  agent.close();
});
t.teardown(() => running.stop());

/** A record of one service that cannot be trusted leaves the others alone, so it is reported and not sealed. */
const isRefused = ({ code }: Seen, path: string): boolean =>
  path.startsWith('vault/default/') ? code === null : code === 'VAULT_UNREADABLE' || code === 'AUDIT_UNAVAILABLE';

for (const daemon of ['airlock-totp', 'airlock-gateway'] as const satisfies readonly Daemon[]) {
  t.test(daemon, async (t) => {
    const disk = new Disk(running, daemon);
    t.equal((await disk.keep()).code, null, 'negative control: a restart alone');
    const { files, directories } = statePaths(running, daemon);
    t.ok(files.length >= 4, files.join(' '));
    t.ok(directories.length >= 1, directories.join(' '));
    const outside = join(running.dir, `elsewhere-${daemon}`);

    for (const path of [...files, ...directories]) {
      let before = '';
      const seen = await disk.startOn(() => {
        renameSync(join(disk.base, path), outside);
        symlinkSync(outside, join(disk.base, path));
        before = imprint(outside);
      });
      t.ok(isRefused(seen, path), `${path} as a link: ${String(seen.code)}`);
      t.equal(imprint(outside), before, `nothing was written through ${path}`);
      t.match(imprint(join(disk.base, path)), /^link/, 'and the link was not replaced');
      const name = path.split('/').at(-1) ?? '';
      if (seen.sealed !== null) t.ok(seen.sealed.message.includes(name) && seen.sealed.hint !== '', seen.sealed.message);
      disk.restore();
      renameSync(outside, `${outside}-${path.replaceAll('/', '-')}`);
    }

    for (const path of files) {
      const seen = await disk.startOn(() => chmodSync(join(disk.base, path), 0o660));
      t.ok(isRefused(seen, path), `${path} writable by a group: ${String(seen.code)}`);
    }
    for (const path of ['', ...directories]) {
      const seen = await disk.startOn(() => chmodSync(join(disk.base, path), 0o777));
      t.ok(isRefused(seen, path), `directory ${path} writable by all: ${String(seen.code)}`);
    }
    const [first = ''] = files;
    const twice = await disk.startOn(() => linkSync(join(disk.base, first), `${outside}-second-name`));
    t.ok(isRefused(twice, first), `${first} with a second name: ${String(twice.code)}`);

    const status = await running.command('airlock-ctl', ['status']);
    t.match(status.stdout, /sealed: .*second name|sealed: .*more than one name/, 'people are told why');
    t.equal((await disk.startOn(() => undefined)).code, null, 'put back as it was, all is served');
  });
}
