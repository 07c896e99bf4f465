// Attack, or an editor that was interrupted: a policy file that is cut anywhere, hostile or swapped while it is read. RULES-1.
import { daemonOf } from '@airlock/testkit';
import { symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { errorOf } from './support/house.js';
import { DENY_ECHO, DENY_PID, policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

let house: RulesHouse;
let pids: readonly number[];
const daemons = async (): Promise<readonly number[]> => [
  await daemonOf(house.running, 'airlock-totp'),
  await daemonOf(house.running, 'airlock-gateway'),
];
t.before(async () => {
  house = await startRulesHouse();
  pids = await daemons();
});
t.teardown(() => house.stop());

/** Looked at after every attack. */
const unharmed = async (t: Test, digest: string): Promise<void> => {
  t.equal((await house.status()).digest, digest, 'the same rules are in force');
  t.equal(await house.decide('echo'), 'deny');
  t.same(await daemons(), pids, 'both daemons live');
};

/** Cuts at the ends, at every structural character's kind, and at some between. */
const CUTS = [0, 1, 2, 20, 60, 120, DENY_ECHO.length - 20, DENY_ECHO.length - 2, DENY_ECHO.length - 1];

t.test('cut anywhere, it is refused by name and line, and what was in force stays', async (t) => {
  const { digest } = await house.status();
  for (const length of CUTS) {
    house.tear('no-echo.json', DENY_ECHO.slice(0, length));
    const error = await errorOf(house.reload());
    t.match(error, { code: 'CONFIG_INVALID', message: /no-echo\.json:\d+:\d+: / }, `${length} characters`);
    t.match((await house.status()).problem, /no-echo\.json/);
    await unharmed(t, digest);
  }
  house.file('no-echo.json', DENY_ECHO);
  t.match(await house.reload(), { outcome: 'unchanged', problem: null });
});

const HOSTILE: Readonly<Record<string, string>> = {
  'nothing but brackets': '['.repeat(100_000),
  'deep objects': '{"id":'.repeat(20_000),
  'a key twice': '{"id":"no-echo","id":"x","name":"n","description":"d","status":"active","blocked_commands":[]}',
  'a key that is a prototype': '{"__proto__":{"status":"active"},"id":"no-echo"}',
  'a condition that is none': policyText('no-echo', [{ id: 'a', decision: 'deny', when: ['a ='.repeat(50)] }]),
  'a pattern of stars': policyText('no-echo', [{ id: 'a', decision: 'deny', operations: ['*a'.repeat(200)] }]),
  'a zone that is none': policyText('no-echo', [{ id: 'a', decision: 'deny', windows: [{ zone: 'Mars/Olympus' }] }]),
  'a rule that allows faster callers more': policyText('no-echo', [
    { id: 'a', decision: 'allow', operations: ['echo'], rate: { calls: 1, perS: 1, per: 'role' } },
  ]),
  'the id of another file': DENY_PID,
  'bytes that are no text': '\u0000\uFFFF',
  'two million characters': `${' '.repeat(2_000_000)}{}`,
};

for (const [name, text] of Object.entries(HOSTILE)) {
  t.test(name, async (t) => {
    const { digest } = await house.status();
    house.tear('no-echo.json', text);
    t.match(await errorOf(house.reload()), { code: 'CONFIG_INVALID' });
    await unharmed(t, digest);
    house.file('no-echo.json', DENY_ECHO);
    await house.reload();
  });
}

t.test('a link that leads nowhere, and one that leads to a file without end', async (t) => {
  const { digest } = await house.status();
  for (const target of ['/nowhere', '/dev/null']) {
    const path = join(house.running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'policies/link.json');
    symlinkSync(target, path);
    t.match(await errorOf(house.reload()), { code: 'CONFIG_INVALID', message: /link\.json/ }, target);
    await unharmed(t, digest);
    unlinkSync(path);
  }
  t.match(await house.reload(), { outcome: 'unchanged' });
});
