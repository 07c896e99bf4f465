// Attack, or a slip: a configuration that means nothing. Both daemons start sealed with CONFIG_INVALID and come back by an edit.
import { restartWith, startTestInstance, type Running } from '@airlock/testkit';
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

t.test('a configuration that cannot be used seals both, names file and key, and is repaired by an edit', async (t) => {
  const yaml = join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'airlock.yaml');
  const both = async (): Promise<void> => {
    await restartWith(running, 'airlock-totp');
    await restartWith(running, 'airlock-gateway');
  };
  for (const text of ['totp: {digits: 5}', 'leases: {nosuch: 1}', 'totp: [', '\u0000\u0001']) {
    writeFileSync(yaml, text);
    await both();
    const { json, status } = await running.command('airlock-ctl', ['status', '--json']);
    t.match(json, { totp: { sealed: { code: 'CONFIG_INVALID' } }, gateway: { sealed: { code: 'CONFIG_INVALID' } } }, text);
    t.equal(status, 0);
    t.equal((await running.command('airlock-ctl', ['unlock', '--json'], { stdin: '000000\n' })).status, 6);
  }
  unlinkSync(yaml);
  await both();
  t.match((await running.command('airlock-ctl', ['status', '--json'])).json, {
    totp: { sealed: null },
    gateway: { sealed: null },
  });
});
