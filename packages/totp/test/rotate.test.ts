/** Lease keys of before: kept for what they signed, dropped with it, bounded, and durable (docs/spec/approval.md "Rotation"). */
import { openWithKeys, asLeaseKey, mintLease, parseLease, type LeaseKeys } from '@airlock/lease';
import type { RegisteredLease } from '@airlock/protocol';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openLeaseKey, type LeaseKey } from '../src/register/lease-key.js';
import { StateDirectory } from '../src/state/directory.js';
import { systemRandom } from '../src/state/random.js';
import { wrapBytes } from '../src/state/wrapping.js';

const BOOT = '0123456789abcdef0123456789abcdef';
const WRAP = Buffer.alloc(32, 5);
const idOf = (n: number): string => Buffer.alloc(16, n).toString('base64url');
const leaseOf = (n: number): RegisteredLease => ({
  ...{ id: idOf(n), operator: 'default', role: 'default', session: 'c2Vzc2lvbi0x', scopes: ['mail:read'], constraints: {} },
  ...{ intent: null, budget: null, issuedMs: 1, expiresMs: 2, bootDeadlineMs: 2 },
});
/** As the gateway has it from the frame. */
const keysOf = ({ bytes, earlier }: LeaseKey): LeaseKeys => ({
  current: asLeaseKey(bytes),
  earlier: earlier.map(({ key, leases }) => ({ key: asLeaseKey(key), leases: new Set(leases) })),
});
const verifies = (key: LeaseKey, text: string): boolean => {
  try {
    return openWithKeys(keysOf(key), text).unchecked.payload.id.length > 0;
  } catch {
    return false;
  }
};

let path: string;
let directory: StateDirectory;
const open = (): LeaseKey => openLeaseKey(directory, WRAP, BOOT, systemRandom);
t.beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ring-'));
  directory = new StateDirectory({ path });
});
t.afterEach(() => rmSync(path, { recursive: true }));

t.test('ROTATE-2: what was handed out verifies on, across a restart; nothing else of that key does', async (t) => {
  const key = open();
  const [handedOut, forged] = [key.mint(leaseOf(1)), key.mint(leaseOf(2))];
  t.ok(verifies(key, forged), 'negative control: the key of now signs any');
  key.renew([idOf(1)]);
  for (const one of [key, open()]) {
    t.ok(verifies(one, handedOut));
    t.notOk(verifies(one, forged));
    t.ok(verifies(one, one.mint(leaseOf(2))), 'the new key signs it anew');
    t.equal(parseLease(one.mint(leaseOf(1))).payload.kid, one.kid, 'nothing is minted with the key of before');
  }
});

t.test('ROTATE-3: a key is dropped with its last lease, on disk too, and its texts are refused then', async (t) => {
  const key = open();
  const text = key.mint(leaseOf(1));
  key.renew([idOf(1), idOf(2)]);
  t.equal(key.keepOnly(new Set([idOf(1)])), false, 'one lives');
  const stolen = Buffer.from(key.earlier[0]?.key ?? []);
  t.ok(verifies(key, text));
  t.equal(key.keepOnly(new Set([idOf(3)])), true);
  const { v, ...rest } = parseLease(text).payload;
  const forged = mintLease(asLeaseKey(stolen), { v, ...rest, id: idOf(2) });
  for (const one of [key, open()]) {
    t.notOk(verifies(one, text));
    t.notOk(verifies(one, forged), 'forged under a key that was dropped');
    t.same(one.earlier, []);
  }
});

t.test('ROTATE-3: of nine keys the oldest is not kept, and it is said before which leases that ends', async (t) => {
  const key = open();
  const texts: string[] = [];
  const out: string[] = [];
  for (let n = 1; n <= 9; n += 1) {
    texts.push(key.mint(leaseOf(n)));
    out.push(idOf(n));
    const kept = key.keptAfter(out);
    t.equal(kept.has(idOf(1)), n < 9);
    key.renew(out.filter((id) => kept.has(id)));
  }
  t.equal(key.earlier.length, 8);
  t.same(
    texts.map((text) => verifies(key, text)),
    [false, ...Array.from({ length: 8 }, () => true)],
  );
});

t.test(
  'ROTATE-4: renewed for nothing, no text of before verifies; the file of a release before is the same as that',
  async (t) => {
    const key = open();
    const text = key.mint(leaseOf(1));
    key.renew([]);
    t.notOk(verifies(key, text));
    t.same(key.earlier, []);
    directory.write('lease.root', wrapBytes(WRAP, 'lease.root', Buffer.alloc(32, 9)));
    t.same(open().earlier, [], 'a root alone is read');
    const size = readFileSync(join(path, 'lease.root')).length;
    open().renew([]);
    t.equal(readFileSync(join(path, 'lease.root')).length, size, 'and written');
  },
);

t.test('bytes behind the root that are no keys are refused, never dropped in silence', async (t) => {
  for (const tail of [1, 33, 34, 49]) {
    directory.write('lease.root', wrapBytes(WRAP, 'lease.root', Buffer.alloc(32 + tail, 1)));
    t.throws(() => open(), { code: 'VAULT_UNREADABLE' }, `${tail} bytes`);
  }
});
