import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  asLeaseKey,
  boundedEarlier,
  decodeEarlier,
  deriveLeaseKey,
  encodeEarlier,
  MAX_EARLIER_KEYS,
  MAX_EARLIER_LEASES,
  mintLease,
  narrowLease,
  openWithKeys,
  type EarlierKey,
} from '../src/index.js';
import { BOOT_ID, codeOf, KEY, mint, payload } from './sample.js';

const idOf = (n: number): string => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(n);
  return bytes.toString('base64url');
};
const { key: NEXT } = deriveLeaseKey(Buffer.alloc(32, 8), BOOT_ID, 0);
const ID = payload().id;

t.test('LEASE-17: a key of before verifies what was handed out under it, narrowed or not, and no other lease', async (t) => {
  const keys = { current: NEXT, earlier: [{ key: KEY, leases: new Set([ID]) }] };
  t.equal(openWithKeys(keys, mint()).unchecked.payload.id, ID);
  t.equal(openWithKeys(keys, narrowLease(mint(), ['budget', { calls: 1 }])).unchecked.asIssued, false);
  t.equal(
    codeOf(() => openWithKeys(keys, mint({ id: idOf(7) }))),
    'LEASE_INVALID',
    'forged under the old key',
  );
  t.equal(
    codeOf(() => openWithKeys({ current: NEXT, earlier: [] }, mint())),
    'LEASE_INVALID',
    'a key that was dropped',
  );
  const elsewhere = [
    { key: asLeaseKey(randomBytes(32)), leases: new Set([ID]) },
    { key: KEY, leases: new Set([idOf(7)]) },
  ];
  t.equal(
    codeOf(() => openWithKeys({ current: NEXT, earlier: elsewhere }, mint())),
    'LEASE_INVALID',
    'of another earlier key',
  );
  t.equal(
    openWithKeys(keys, mintLease(NEXT, payload({ id: idOf(7) }))).unchecked.payload.id,
    idOf(7),
    'control: the key of now signs any',
  );
});

t.test('LEASE-17: a key that is none is a defect and says so; it is not taken for a forged lease', async (t) => {
  const none = undefined as never;
  const earlier = [{ key: KEY, leases: new Set([ID]) }];
  t.throws(() => openWithKeys({ current: none, earlier }, mint()), TypeError, 'the key of now');
  t.throws(
    () => openWithKeys({ current: NEXT, earlier: [{ key: none, leases: new Set([ID]) }] }, mint()),
    TypeError,
    'one of before',
  );
  t.equal(openWithKeys({ current: NEXT, earlier }, mint()).unchecked.payload.id, ID, 'negative control');
});

t.test('LEASE-18: the vector', async (t) => {
  const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  const earlier = [{ key: Buffer.alloc(32, 1), leases: [two.toString('base64url'), one.toString('base64url')] }];
  t.equal(encodeEarlier(earlier).toString('hex'), `${'01'.repeat(32)}0002${'01'.repeat(16)}${'02'.repeat(16)}`);
  t.equal(encodeEarlier([]).length, 0);
  t.same(decodeEarlier(Buffer.alloc(0)), []);
});

const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyEarlier = fc.array(
  fc.record({
    key: anyKey.map((bytes) => Buffer.from(bytes)),
    leases: fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 20 }).map((ids) => ids.sort((a, b) => a - b).map(idOf)),
  }),
  { maxLength: MAX_EARLIER_KEYS },
);

t.test('LEASE-18: what is written is read again, and what is read is written in these bytes', async () => {
  fc.assert(
    fc.property(anyEarlier, (earlier) => {
      const bytes = encodeEarlier(earlier);
      const again = decodeEarlier(bytes);
      return again !== null && JSON.stringify(again) === JSON.stringify(earlier) && encodeEarlier(again).equals(bytes);
    }),
  );
  fc.assert(
    fc.property(anyEarlier, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (earlier, at, byte, cut) => {
      const whole = encodeEarlier(earlier);
      const bytes = cut ? whole.subarray(0, at % (whole.length + 1)) : Buffer.from(whole);
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      const read = decodeEarlier(bytes);
      return read === null || encodeEarlier(read).equals(bytes);
    }),
    { numRuns: 500 },
  );
});

t.test('LEASE-18: other bytes are refused as a whole', async (t) => {
  const one = encodeEarlier([{ key: Buffer.alloc(32, 1), leases: [idOf(1), idOf(2)] }]);
  t.not(decodeEarlier(one), null, 'negative control');
  const unsorted = Buffer.concat([one.subarray(0, 34), one.subarray(50), one.subarray(34, 50)]);
  const twice = Buffer.concat([one.subarray(0, 50), one.subarray(34, 50)]);
  const none = Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(2)]);
  const nine = Buffer.concat(Array.from({ length: MAX_EARLIER_KEYS + 1 }, () => one));
  for (const bytes of [unsorted, twice, none, nine, one.subarray(1), one.subarray(0, -1), Buffer.alloc(33)])
    t.equal(decodeEarlier(bytes), null, bytes.toString('hex').slice(0, 80));
  t.equal(
    codeOf(() => encodeEarlier([{ key: Buffer.alloc(32), leases: ['short'] }])),
    'INTERNAL',
  );
});

t.test('LEASE-18: the newest keys have room, and none without a lease is kept', async (t) => {
  const of = (n: number, count: number): EarlierKey => ({
    key: Buffer.alloc(32, n),
    leases: Array.from({ length: count }, (_, at) => idOf(n * 10_000 + at)),
  });
  t.equal(boundedEarlier(Array.from({ length: 12 }, (_, n) => of(n, 1))).length, MAX_EARLIER_KEYS);
  t.same(
    boundedEarlier([of(1, 0), of(2, 1)]).map(({ leases }) => leases.length),
    [1],
  );
  const half = MAX_EARLIER_LEASES / 2;
  t.equal(boundedEarlier([of(1, half), of(2, half), of(3, 1)]).length, 2);
  t.ok(decodeEarlier(encodeEarlier(boundedEarlier([of(1, half), of(2, half)]))), 'the largest there is can be read');
});
