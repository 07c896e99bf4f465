/** A disk that fails while the daemon serves: it seals itself, says why, and what is open ends. DESK-2, JOURNAL-2 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openLog } from '@airlock/audit';
import { DEFAULT_CONFIG, FRAME, packBlobs, type ApproveStatus } from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import { deskOf, type House as Inner } from '../src/operators/house.js';
import { markSealed } from '../src/register/versions.js';
import { drawKey } from '../src/release/keys.js';
import { nodeStateFs, type StateFs } from '../src/state/state-fs.js';
import {
  approveFront,
  askFor,
  call,
  connectExchanging,
  greet,
  openHouse,
  type Exchanging,
  type House,
  type HouseSettings,
  type Link,
} from './support/daemon.js';

/** Nothing can be put in the place of a file whose name ends so, while one is given. */
class Disk {
  full: string | null = null;
  readonly fs: StateFs = {
    ...nodeStateFs,
    rename: (from, to) => {
      if (this.full !== null && to.endsWith(this.full)) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      nodeStateFs.rename(from, to);
    },
  };
}

interface Place {
  readonly house: House;
  readonly inner: Inner;
  readonly disk: Disk;
  readonly approve: Link;
  readonly bridge: Link;
}

const open = async (t: Test, settings: HouseSettings = {}): Promise<Place> => {
  const disk = new Disk();
  const house = await openHouse({ fs: disk.fs, timers: new ManualTimers(), ...settings });
  t.teardown(() => house.end());
  const inner = house.totp.house;
  if (inner === null) throw new Error('sealed');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  return { house, inner, disk, bridge, approve: await house.connect('approve/default') };
};

const leased = async ({ house, bridge, approve }: Place, more: object = {}): Promise<string> => {
  const { request } = await askFor(bridge, more);
  const { lease } = await approveFront(house, approve);
  await call(bridge, 'request.take', { request });
  return lease?.id ?? '';
};

const sealedWith = async ({ approve }: Place): Promise<string | undefined> =>
  (await call<ApproveStatus>(approve, 'status')).sealed?.message.replace(/\S*\//g, '');

/** A cell that holds the key of `gmail` under the lease. */
const released = async ({ house, inner }: Place, lease: string): Promise<Exchanging> => {
  const desk = deskOf(inner, 'default');
  const destination = { kind: 'imap', user: 'ada', origins: [{ scheme: 'imaps', host: 'mail.example.org', port: 993 }] };
  const { header, wrapped, version } = drawKey(desk, 'gmail', destination);
  desk.commit(markSealed(desk.state, 'gmail', version));
  const ticket = inner.releaseTickets.issue({ operator: 'default', service: 'gmail', lease }, inner.clock.bootMs());
  const cell = await connectExchanging(house, 'release');
  const { type } = await cell.exchange(
    FRAME.RELEASE_REQUEST,
    packBlobs(Buffer.alloc(0), Buffer.from(ticket, 'base64url'), header, wrapped),
  );
  if (type !== FRAME.RELEASE_GRANT) throw new Error('refused');
  return cell;
};

/** The own head is signed at each tenth. */
const tick = (house: House, times = 10): void => {
  for (let n = 0; n < times; n += 1) house.totp.tick();
};

t.test('DESK-2: an end of a lease that cannot be written seals, and ends what is open', async (t) => {
  const place = await open(t);
  const { house, disk, approve } = place;
  const cell = await released(place, await leased(place, { ttlS: 60 }));
  const other = await released(place, await leased(place, { ttlS: 3600, session: 's-other' }));
  t.equal(await sealedWith(place), undefined);
  disk.full = 'default.state';
  house.clock.pass(60_000);
  tick(house, 1);
  t.equal(await sealedWith(place), 'default.state: cannot be written (ENOSPC)');
  while (cell.link.isOpen || other.link.isOpen) await call(approve, 'status');
  t.pass('both connections are closed, that of the lease that lives too');
});

t.test('HEADS-1: a head that cannot be written seals, and none is signed any more', async (t) => {
  const place = await open(t);
  const { house, disk, approve } = place;
  const heads = (): string => readFileSync(join(house.stateDir, 'heads'), 'utf8');
  const before = heads();
  await call(approve, 'lock');
  disk.full = 'heads';
  tick(house);
  t.equal(await sealedWith(place), 'heads: cannot be written (ENOSPC)');
  disk.full = null;
  tick(house);
  t.equal(heads(), before);
});

t.test('ROTATE-3: a lease key of before that cannot be forgotten seals', async (t) => {
  const place = await open(t);
  const { house, disk, approve } = place;
  const lease = await leased(place);
  await call(approve, 'action.open', { verb: 'rotate', params: {} });
  await approveFront(house, approve);
  disk.full = 'lease.root';
  await call(approve, 'revoke', { lease });
  t.equal(await sealedWith(place), 'lease.root: cannot be written (ENOSPC)');
});

t.test('ROTATE-3: with its last lease a key of before is forgotten, and the gateway is told', async (t) => {
  const place = await open(t);
  const { house, approve } = place;
  const keys: number[] = [];
  const bridge = await house.connect('bridge', (type, payload) => {
    if (type === FRAME.LEASE_KEY) keys.push(payload.length);
  });
  await greet(bridge);
  const lease = await leased({ ...place, bridge });
  await call(approve, 'action.open', { verb: 'rotate', params: {} });
  await approveFront(house, approve);
  await call(approve, 'revoke', { lease });
  await call(bridge, 'heartbeat');
  const [first = 0, rotated = 0, dropped] = keys;
  t.ok(rotated > first, 'the key of before beside the new one');
  t.equal(dropped, first);
  t.equal(keys.length, 3);
});

const DAY_MS = 86_400_000;
/** Names of the segments of the own log. */
const segments = (house: House): string[] =>
  readdirSync(join(house.stateDir, 'audit'))
    .filter((name) => name.endsWith('.jsonl'))
    .sort();

t.test(
  'AUDIT-25: a segment past its days goes once that is recorded and signed, one an hour; what cannot be signed stays',
  async (t) => {
    const config = { ...DEFAULT_CONFIG, audit: { ...DEFAULT_CONFIG.audit, retainDays: 2 } };
    const place = await open(t, { config, openLog: (options) => openLog({ ...options, reserveBytes: 0 }) });
    const { house, disk, inner } = place;
    for (let day = 0; day < 5; day += 1) {
      inner.journal.record('lockout', { day });
      house.clock.pass(DAY_MS);
    }
    const [first, second, ...rest] = segments(house);
    t.equal(rest.length, 3);
    tick(house);
    t.same(segments(house).slice(0, 2), [second, rest[0]], 'the oldest');
    tick(house);
    t.equal(segments(house)[0], second, 'not two at once');
    const log = (): string =>
      segments(house)
        .map((name) => readFileSync(join(house.stateDir, 'audit', name), 'utf8'))
        .join('');
    t.match(log(), new RegExp(`"event":"log_pruned",.*"file":"${first}"`));
    house.clock.pass(3_600_000);
    disk.full = 'heads';
    tick(house);
    t.equal(segments(house)[0], second, 'no signed head covers that it goes');
    tick(house);
    t.equal(await sealedWith(place), 'heads: cannot be written (ENOSPC)');
  },
);

t.test('BRIDGE-6, BRIDGE-8: an alert that cannot be kept seals, as nobody would be locked by it', async (t) => {
  const alarms: readonly [string, object][] = [
    ['head.sign', { size: 0, digests: ['00'.repeat(32)] }],
    ['hello', { protocol: 1, head: 'of nobody' }],
  ];
  for (const [method, params] of alarms) {
    const place = await open(t);
    place.disk.full = 'audit-alert';
    await place.bridge.call(method, params).catch(() => undefined);
    t.match(await sealedWith(place), /^audit-alert/, method);
  }
});
