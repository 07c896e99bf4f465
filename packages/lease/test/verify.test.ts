import { randomBytes } from 'node:crypto';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalJson, formatScope, type Json, parseScope } from '@airlock/protocol';
import t from 'tap';
import {
  asLeaseKey,
  checkLease,
  checkScope,
  deriveLeaseKey,
  type LeaseFacts,
  type LeasePayload,
  mintLease,
  narrowLease,
  newLeaseId,
  openLease,
  parseLease,
  verifyLease,
} from '../src/index.js';
import { append, appendJson, BOOT_ID, codeOf, facts, KEY, mint, NOW_MS, payload, ROOT, signText } from './sample.js';

const refusal = (text: string, change: Partial<LeaseFacts> = {}): string | null =>
  codeOf(() => verifyLease(KEY, text, facts(change)));

t.test('a minted lease verifies and says what it allows', async (t) => {
  const verified = verifyLease(KEY, mint(), facts());
  t.same(verified.payload, payload());
  t.same(verified.effective, {
    scopes: payload().scopes,
    expiresMs: NOW_MS + 3_600_000,
    bootDeadlineMs: 4_600_000,
    constraints: {},
  });
  t.same(verified.budgets, []);
  t.equal(verified.asIssued, true);
  t.match(newLeaseId(), /^[A-Za-z0-9_-]{22}$/);
});

t.test('LEASE-13 a lease ends at the earlier of both clocks, and with its boot', async (t) => {
  const end = NOW_MS + 3_600_000;
  t.equal(refusal(mint(), { nowMs: end - 1, bootMs: 4_599_999 }), null);
  t.equal(refusal(mint(), { nowMs: end }), 'LEASE_EXPIRED');
  t.equal(refusal(mint(), { bootMs: 4_600_000 }), 'LEASE_EXPIRED');
  t.equal(refusal(mint(), { nowMs: 0, bootMs: 4_600_000 }), 'LEASE_EXPIRED', 'the wall clock set back wins nothing');
  t.equal(refusal(mint(), { bootId: 'f'.repeat(32) }), 'LEASE_EXPIRED');
});

t.test('LEASE-15 what is kept of a lease says nothing of a call, and no call can change it', async (t) => {
  const signed = openLease(KEY, mint());
  t.same(checkLease(signed, facts()).payload, payload());
  t.equal(
    codeOf(() => checkLease(signed, facts({ nowMs: NOW_MS + 3_600_000 }))),
    'LEASE_EXPIRED',
  );
  t.equal(
    codeOf(() => checkLease(signed, facts({ session: 'b3RoZXI' }))),
    'LEASE_SESSION',
  );
  t.ok(checkLease(signed, facts()));
  const { effective, payload: kept, budgets } = signed.unchecked;
  for (const part of [signed, signed.unchecked, effective, effective.scopes, effective.constraints, kept, budgets])
    t.ok(Object.isFrozen(part));
});

t.test('LEASE-9 a narrowed expiry shortens the boot deadline by as much', async (t) => {
  const narrowed = narrowLease(mint(), ['expires', NOW_MS + 600_000]);
  t.equal(verifyLease(KEY, narrowed, facts()).effective.bootDeadlineMs, 1_600_000);
  t.equal(refusal(narrowed, { nowMs: NOW_MS - 10 * 365 * 86_400_000, bootMs: 1_600_000 }), 'LEASE_EXPIRED');
  t.equal(refusal(narrowed, { nowMs: NOW_MS + 600_000 }), 'LEASE_EXPIRED');
});

t.test('LEASE-14 a lease serves its role, its session and its intent', async (t) => {
  const intent = 'a'.repeat(64);
  t.equal(refusal(mint(), { role: 'other' }), 'LEASE_INVALID');
  t.equal(refusal(mint(), { session: 'b3RoZXI' }), 'LEASE_SESSION');
  t.equal(refusal(mint({ intent })), 'LEASE_INTENT');
  t.equal(refusal(mint({ intent }), { intentHash: 'b'.repeat(64) }), 'LEASE_INTENT');
  t.equal(refusal(mint({ intent }), { intentHash: intent }), null);
  t.equal(refusal(mint(), { intentHash: intent }), null);
});

t.test('LEASE-11 the signature comes before everything the lease says', async (t) => {
  const other = asLeaseKey(randomBytes(32));
  const forged = mintLease(other, payload({ session: 'b3RoZXI', bootId: 'x', intent: 'a'.repeat(64) }));
  t.equal(refusal(forged), 'LEASE_INVALID');
  t.equal(refusal('al1.bm90IGpzb24.' + Buffer.alloc(32).toString('base64url')), 'LEASE_INVALID');
});

t.test('LEASE-1 form and size', async (t) => {
  const lease = mint();
  const [, body = '', tag = ''] = lease.split('.');
  const bad = [
    '',
    'al1',
    'al1.',
    `al1.${body}`,
    `al2.${body}.${tag}`,
    `${lease}.`,
    ` ${lease}`,
    `${lease}\n`,
    `AL1.${body}.${tag}`,
  ];
  for (const text of [...bad, lease + '.'.repeat(8192), `al1.${body}.${tag}AA`])
    t.equal(refusal(text), 'LEASE_INVALID', text.slice(0, 40));
  let full = lease;
  for (let count = 0; count < 16; count += 1) full = narrowLease(full, ['expires', NOW_MS + 1000]);
  t.equal(refusal(full), null);
  t.equal(
    codeOf(() => narrowLease(full, ['expires', NOW_MS + 1000])),
    'PARAMS_INVALID',
  );
  t.equal(refusal(appendJson(full, ['expires', NOW_MS + 1000])), 'LEASE_INVALID');
});

t.test('LEASE-2 what is signed but not canonical is refused', async (t) => {
  const text = canonicalJson(payload() as unknown as Json);
  t.equal(refusal(signText(text)), null, 'control: the canonical text is taken');
  t.equal(refusal(signText(text.replace('{', '{ '))), 'LEASE_INVALID', 'white space');
  t.equal(refusal(signText(text.replace('"v":1', '"v":1,"v":1'))), 'LEASE_INVALID', 'duplicate key');
  t.equal(refusal(signText(text.replace('"v":1', '"v":1.0'))), 'LEASE_INVALID', 'number form');
  t.equal(refusal(signText(text.replace('"v":1', '"v":1.5'))), 'LEASE_INVALID', 'fraction');
  t.equal(refusal(signText(JSON.stringify({ v: 1, ...JSON.parse(text) }))), 'LEASE_INVALID', 'key order');
  t.equal(refusal(signText('"\\ud800"')), 'LEASE_INVALID', 'lone surrogate');
  t.equal(refusal(signText('null')), 'LEASE_INVALID');
  t.equal(refusal(signText('{')), 'LEASE_INVALID', 'no JSON');
  t.equal(refusal(append(mint(), Buffer.from([0x22, 0xff, 0x22]).toString('base64url'))), 'LEASE_INVALID', 'invalid UTF-8');
  const padded = Buffer.from('["expires",1800000001000]').toString('base64');
  t.match(padded, /=/);
  t.equal(refusal(append(mint(), padded)), 'LEASE_INVALID', 'padding');
});

t.test('LEASE-3 each member of the payload is checked, at minting and at verifying', async (t) => {
  const bad: Record<string, unknown[]> = {
    v: [2, '1'],
    id: ['short', 5],
    kid: ['', 'a/b'],
    role: ['', 'A', 'x'.repeat(19)],
    session: ['', 'a b'],
    intent: ['', 'A'.repeat(64), 1],
    scopes: [[], ['gmail'], ['*:read'], ['gmail:read', 'gmail:read'], ['gmail:read', 'calendar:read'], 'gmail:read', [1]],
    constraints: [null, [], { nope: 1 }, { folders: ['b', 'a'] }, { maxResults: 0 }],
    issuedMs: [-1, 1.5, '1'],
    expiresMs: [NOW_MS, -1],
    bootDeadlineMs: [-1],
    bootId: ['', 'a/b'],
    budget: [{}, { calls: 0 }, { calls: 1, money: 1 }, [], 5],
  };
  for (const [key, values] of Object.entries(bad))
    for (const value of values) {
      const wrong = { ...payload(), [key]: value } as LeasePayload;
      t.equal(
        codeOf(() => mintLease(KEY, wrong)),
        'INTERNAL',
        `mint ${key} ${JSON.stringify(value)}`,
      );
      if (value !== 1.5) t.equal(refusal(signText(canonicalJson(wrong as unknown as Json))), 'LEASE_INVALID', `verify ${key}`);
    }
  const further = { ...payload(), more: 1 } as unknown as LeasePayload;
  t.equal(
    codeOf(() => mintLease(KEY, further)),
    'INTERNAL',
  );
  const missing = Object.fromEntries(Object.entries(payload()).filter(([key]) => key !== 'kid'));
  t.equal(refusal(signText(canonicalJson(missing as Json))), 'LEASE_INVALID');
  const folders = Array.from({ length: 60 }, (_, index) => `${String(index).padStart(3, '0')}${'x'.repeat(200)}`);
  t.equal(
    codeOf(() => mint({ constraints: { folders } })),
    'INTERNAL',
    'longer than 8 KiB',
  );
});

t.test('LEASE-6 a caveat of unknown kind or form fails', async (t) => {
  const bad: Json[] = [
    ['hosts', ['a']],
    ['expires'],
    ['expires', NOW_MS, 1],
    ['expires', '1'],
    ['expires', -1],
    ['scopes', []],
    ['scopes', ['gmail']],
    ['budget', {}],
    ['budget', { calls: 0 }],
    ['budget', { calls: 1, colour: 1 }],
    ['budget', null],
    ['constraints', {}],
    ['constraints', { colour: 'red' }],
    ['constraints', []],
    ['toString', 1],
    { expires: 1 },
    'expires',
    null,
  ];
  for (const caveat of bad) t.equal(refusal(appendJson(mint(), caveat)), 'LEASE_INVALID', canonicalJson(caveat));
  t.equal(refusal(appendJson(mint(), ['expires', NOW_MS + 5])), null, 'control: a good one passes');
});

t.test('LEASE-12 the key is derived per boot and generation', async (t) => {
  const { key } = deriveLeaseKey(ROOT, BOOT_ID, 0);
  const oracle = hkdf(sha256, ROOT, new Uint8Array(0), Buffer.from(`airlock/v1/lease/${BOOT_ID}/0`), 32);
  t.same(Buffer.from(key), Buffer.from(oracle));
  for (const [boot, generation] of [
    ['f'.repeat(32), 0],
    [BOOT_ID, 1],
  ] as const) {
    const other = deriveLeaseKey(ROOT, boot, generation);
    t.equal(
      codeOf(() => verifyLease(other.key, mint(), facts())),
      'LEASE_INVALID',
    );
    t.not(other.kid, payload().kid);
  }
  for (const [root, boot, generation] of [
    [Buffer.alloc(31), BOOT_ID, 0],
    [ROOT, 'a/b', 0],
    [ROOT, BOOT_ID, -1],
    [ROOT, BOOT_ID, 0.5],
  ] as const)
    t.equal(
      codeOf(() => deriveLeaseKey(root, boot, generation)),
      'INTERNAL',
    );
  t.equal(
    codeOf(() => asLeaseKey(Buffer.alloc(31))),
    'INTERNAL',
  );
});

t.test('checkScope wants service, class and operation', async (t) => {
  const verified = verifyLease(KEY, mint(), facts());
  const check = (service: string, scopeClass: 'read' | 'use' | 'write', operation: string): string | null =>
    codeOf(() => checkScope(verified, service, scopeClass, operation));
  t.equal(check('gmail', 'read', 'anything'), null);
  t.equal(check('calendar', 'read', 'list_events'), null);
  t.equal(check('calendar', 'read', 'get_event'), 'LEASE_SCOPE');
  t.equal(check('gmail', 'write', 'send'), 'LEASE_SCOPE');
  t.equal(check('gmail', 'use', 'send'), 'LEASE_SCOPE');
  t.equal(check('drive', 'read', 'list'), 'LEASE_SCOPE');
});

t.test('parseLease reads without a key and proves nothing', async (t) => {
  const narrowed = narrowLease(mint(), ['budget', { calls: 3 }]);
  t.same(parseLease(narrowed).caveats, [['budget', { calls: 3 }]]);
  t.equal(parseLease(narrowed).tag, narrowed.split('.').at(-1));
  t.equal(
    codeOf(() => parseLease('al1.e30.AA')),
    'LEASE_INVALID',
  );
});

t.test('the scopes of a lease are exactly those that the grammar writes', async (t) => {
  const texts = [
    'gmail:read',
    'gmail:use:list',
    'gmail:write:a_1',
    'gmail',
    'gmail:read:',
    'gmail:admin',
    'a/b:read',
    'gmail:read:List',
    'x:read\n',
  ];
  for (const text of texts) {
    const isWritten = codeOf(() => parseScope(text)) === null && formatScope(parseScope(text)) === text;
    t.equal(codeOf(() => mint({ scopes: [text] })) === null, isWritten, JSON.stringify(text));
  }
});

t.test('no lease id can be read as an option of a command', async (t) => {
  for (let byte = 0; byte < 256; byte += 1)
    t.notMatch(
      newLeaseId(() => Buffer.alloc(16, byte)),
      /^-/,
    );
  t.match(Buffer.alloc(16, 0xfb).toString('base64url'), /^-/, 'negative control: the bytes alone can');
});
