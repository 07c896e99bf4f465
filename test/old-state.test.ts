// What an earlier release wrote is read by this one: its phone approves, its credentials open, its record verifies and goes on.
import { checkout, codeAt, startTestInstance, type Running } from '@airlock/testkit';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const GOLDEN = join(checkout, 'test/golden');
const WRITTEN_MS = Date.parse('2026-11-01T12:10:00Z');
const SECRETS = { account: 'correct horse battery staple', api: 'a-token-of-the-api-0001' };
const releases = readdirSync(GOLDEN).filter((name) => name.startsWith('state-'));

const get = async (running: Running, service: string): Promise<string> => {
  const { stdout } = await running.command('airlock-ctl', ['credentials', 'get', service], { stdin: `${running.freshCode()}\n` });
  return stdout.trim();
};

for (const release of releases) {
  t.test(`state of ${release}`, async (t) => {
    const running = await startTestInstance({ state: join(GOLDEN, release), enrolled: false, cells: 1, wallMs: WRITTEN_MS });
    t.teardown(() => running.stop());
    for (const [service, secret] of Object.entries(SECRETS)) t.equal(await get(running, service), secret, service);
    const code = codeAt(running.secret, running.clock.wallMs() - 10 * 30_000);
    const refused = await running.command('airlock-ctl', ['credentials', 'get', 'account', '--json'], { stdin: `${code}\n` });
    t.equal(refused.status, 4, 'negative control: another code does not');
    const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
    t.match(verified.json, { ok: true }, verified.stdout);
    const old = readFileSync(join(GOLDEN, release, 'totp/heads'), 'utf8');
    t.ok(old.includes('airlock-gateway'), 'the heads of then are among what was read');
  });
}

t.test('there is such a state', async (t) => t.ok(releases.includes('state-0.1.0')));
