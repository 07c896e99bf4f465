import { deriveLeaseKey, mintLease, narrowLease, parseLease, type LeaseKey, type LeaseKeys } from '@airlock/lease';
import { AirlockError, intentHash, type CallResult } from '@airlock/protocol';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SignedLeases } from '../src/leases/signed.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { BOOT_ID } from './support/fake-totp.js';
import { refusalOf, startWorld, type Client, type World } from './support/world.js';

let world: World;
t.beforeEach(async () => {
  world = await startWorld();
});
t.afterEach(() => world.stop());

const call = (client: Client, lease: string, change: object = {}): Promise<CallResult> =>
  client.call<CallResult>('call', { lease, service: 'mail', operation: 'search', params: {}, ...change });

const codeOf = async (...args: Parameters<typeof call>): Promise<string> => (await refusalOf(call(...args))).code;

/** A lease that has been used, so that its signature is known. */
const usedLease = async (client: Client, spec: object = {}, change: object = {}): Promise<{ id: string; text: string }> => {
  const { lease, text } = world.totp.issue({ session: client.session, ...spec });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the lease');
  t.ok(await call(client, text, change), 'negative control: it serves its own session');
  return { id: lease.id, text };
};

t.test('SIGNED-1 a lease that was used still ends, on either clock', async (t) => {
  const agent = await world.agent();
  const { text } = await usedLease(agent, { ttlMs: 10_000 });
  world.clock.wall += 10_000;
  t.equal(await codeOf(agent, text), 'LEASE_EXPIRED', 'by the wall clock');
  const other = await usedLease(agent, { ttlMs: 10_000 });
  world.clock.boot += 10_000;
  world.clock.wall -= 86_400_000;
  t.equal(await codeOf(agent, other.text), 'LEASE_EXPIRED', 'by boot time');
});

t.test('SIGNED-1 a lease that was used is refused once revoked, and its text forgotten', async (t) => {
  const agent = await world.agent();
  const { id, text } = await usedLease(agent);
  world.totp.end(id, 'revoked');
  await world.until(() => world.events('lease_revoked').length > 0);
  t.equal(await codeOf(agent, text), 'LEASE_REVOKED');
});

t.test('SIGNED-1 a lease that was used is refused to another session and another role', async (t) => {
  const [mine, theirs, foreign] = [await world.agent(), await world.agent(), await world.agent('other')];
  const { text } = await usedLease(mine);
  t.equal(await codeOf(theirs, text), 'LEASE_SESSION');
  t.equal(await codeOf(foreign, text), 'LEASE_INVALID');
});

t.test('SIGNED-1 intent and budget are asked at every call', async (t) => {
  const agent = await world.agent();
  const context = { context: { intent: 'find the invoice' } };
  const intended = await usedLease(agent, { intent: intentHash('find the invoice') }, context);
  t.equal(await codeOf(agent, intended.text, { context: { intent: 'another' } }), 'LEASE_INTENT');
  t.equal(await codeOf(agent, intended.text), 'LEASE_INTENT');
  const { text } = await usedLease(agent, { budget: { calls: 2 } });
  await call(agent, text);
  t.equal(await codeOf(agent, text), 'LEASE_BUDGET');
});

t.test('SIGNED-2 SIGNED-4 any other text has to be signed itself, and what was refused is not kept', async (t) => {
  const agent = await world.agent();
  const { text } = await usedLease(agent);
  for (const at of [5, Math.floor(text.length / 2), text.length - 2]) {
    const other = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    t.equal(await codeOf(agent, other), 'LEASE_INVALID');
    t.equal(await codeOf(agent, other), 'LEASE_INVALID', 'the second time too');
  }
  t.equal(await codeOf(agent, `${text} `), 'LEASE_INVALID');
  t.ok(await call(agent, text));
});

const LEASE = { session: 'c2Vzc2lvbi0x', role: 'default', v: 1, intent: null, scopes: ['mail:read'], constraints: {} } as const;
const END = { issuedMs: 1, expiresMs: 2, bootDeadlineMs: 2, bootId: BOOT_ID, budget: null } as const;
const keysOf = (current: LeaseKey): LeaseKeys => ({ current, earlier: [] });
const mint = (key: LeaseKey, kid: string, n = 1): string =>
  mintLease(key, { ...LEASE, ...END, kid, id: Buffer.alloc(16, n).toString('base64url') });

t.test('SIGNED-3 another key forgets all; the end of a lease forgets what was narrowed from it', async (t) => {
  const [first, second] = [deriveLeaseKey(Buffer.alloc(32, 7), BOOT_ID, 0), deriveLeaseKey(Buffer.alloc(32, 7), BOOT_ID, 1)];
  const firstKeys = keysOf(first.key);
  const signed = new SignedLeases();
  const text = mint(first.key, first.kid);
  const kept = signed.open(firstKeys, text);
  t.equal(signed.open(firstKeys, text), kept);
  signed.open(firstKeys, narrowLease(text, ['budget', { calls: 5 }]));
  signed.open(firstKeys, mint(first.key, first.kid, 2));
  t.equal(signed.size, 3);
  signed.forget(parseLease(text).payload.id);
  t.equal(signed.size, 1);
  t.throws(() => signed.open(keysOf(second.key), text), { code: 'LEASE_INVALID' });
  t.equal(signed.size, 0);
  t.throws(() => ((kept.unchecked.effective as { expiresMs: number }).expiresMs = 9), TypeError, 'no call can change it');
});

t.test('BRIDGE-7: a lease of before is served while its key is among those told, and refused with the next list', async (t) => {
  const agent = await world.agent();
  const { id, text } = await usedLease(agent);
  const old = world.totp.keys;
  const forged = mint(old.key, old.kid, 9);
  world.totp.rotate([id]);
  // Told behind the keys, on the same connection.
  const { lease, text: after } = world.totp.issue({ session: agent.session });
  await world.until(() => world.events('lease_issued').some((record) => record['lease'] === lease.id), 'the next lease');
  t.ok(await call(agent, text), 'the lease of before goes on');
  t.equal(await codeOf(agent, forged), 'LEASE_INVALID', 'another of the old key does not verify');
  t.ok(await call(agent, after), 'a lease of the new key');
  world.totp.rotate([]);
  const last = await usedLease(agent);
  t.equal(await codeOf(agent, text), 'LEASE_INVALID', 'its key was dropped, though the register says that it lives');
  t.equal(await codeOf(agent, after), 'LEASE_INVALID');
  t.ok(await call(agent, last.text), 'negative control');
});

t.test('SIGNED-4 what is kept has a bound', async (t) => {
  const { key, kid } = deriveLeaseKey(Buffer.alloc(32, 7), BOOT_ID, 0);
  const signed = new SignedLeases();
  const keys = keysOf(key);
  const text = mint(key, kid);
  const most = Math.floor(GATEWAY_LIMITS.maxSignedLeaseChars / text.length);
  for (let n = 0; n < most + 100; n += 1) signed.open(keys, narrowLease(text, ['budget', { calls: n + 1 }]));
  t.ok(signed.size > 100 && signed.size <= most, `${signed.size} of at most ${most}`);
});

t.test('CALL-8 no answer leaves where its record could not be written', async (t) => {
  const agent = await world.agent();
  const { text } = await usedLease(agent);
  const dir = join(world.stateDir, 'audit');
  world.cells.execute = () => {
    const newest =
      readdirSync(dir)
        .filter((name) => name.endsWith('.jsonl'))
        .sort()
        .at(-1) ?? '';
    appendFileSync(join(dir, newest), '{}\n');
    return Promise.resolve({ result: { secret: 'must not leave' }, count: 1, masked: 0, truncated: false, risk: 0 });
  };
  const refusal = await refusalOf(call(agent, text));
  t.ok(refusal instanceof AirlockError);
  t.equal(refusal.code, 'AUDIT_UNAVAILABLE');
  t.notMatch(JSON.stringify(refusal), /must not leave/);
});
