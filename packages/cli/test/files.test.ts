/** The lease file as an attacker would like it. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import t from 'tap';
import { airlock } from './command.js';

t.test('a lease file that is a link, or open to others, is refused and not followed', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  const { env } = gateway;
  const dir = join(gateway.dir, 'xdg/airlock');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const elsewhere = join(gateway.dir, 'elsewhere');
  writeFileSync(elsewhere, gateway.lease(['gmail:read']), { mode: 0o600 });
  symlinkSync(elsewhere, join(dir, 'default.lease'));
  const linked = await airlock(['call', 'gmail', 'search', '--json'], { env });
  test.equal(linked.code, 6);
  test.match(linked.json, { error: { code: 'CONFIG_INVALID', message: /symbolic link/ } });
  test.equal(gateway.calls('call').length, 0);
  const before = readFileSync(elsewhere, 'utf8');
  await airlock(['request', 'gmail', '--reason', 'x', '--wait'], { env });
  test.equal(readFileSync(elsewhere, 'utf8'), before, 'the target of the link is not written');
  chmodSync(join(dir, 'default.lease'), 0o644);
  test.equal((await airlock(['call', 'gmail', 'search'], { env })).code, 6);
  chmodSync(join(dir, 'default.session'), 0o644);
  test.equal((await airlock(['status'], { env })).code, 6);
});

t.test('a session the gateway forgot is replaced by a new one, and stored', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  const { env } = gateway;
  const file = join(gateway.dir, 'xdg/airlock/default.session');
  await airlock(['status'], { env });
  const first = readFileSync(file, 'utf8');
  gateway.forgetSessions();
  test.equal((await airlock(['status'], { env })).code, 0);
  test.not(readFileSync(file, 'utf8'), first);
});
