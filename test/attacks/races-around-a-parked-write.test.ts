// Attack: lock, revocation, release, denial or a lost connection at any moment of an approved write. At most once, and never a wrong claim. OPERATION-4, PARKED-3..5.
import type { Connection } from '@airlock/ipc';
import { parseLease } from '@airlock/lease';
import type { AccessRequestResult, AccessWaitResult } from '@airlock/protocol';
import { openSession, refusalOf, until } from '@airlock/testkit';
import t from 'tap';
import { approveShown, ask, connectTo, frontOf } from './support/house.js';
import { endOf, isTrue, startParkedWrites, type ParkedWrites } from './support/parked-write.js';

const ROUNDS = 6;
/** Questions the gateway answers between two moments that are tried; a write takes a few times as many. */
const STEP = 25;

let house: ParkedWrites;
let link: Connection;
let lease: string;
t.before(async () => {
  house = await startParkedWrites();
  ({ lease } = house);
  link = await connectTo(house.running, 'approve/default');
});
t.teardown(async () => {
  link.close();
  await house.stop();
});

const renewLease = async (): Promise<void> => {
  const asked = { scopes: ['fixture:write', 'fixture:read'], reason: 'the next round', ttlS: 7200 };
  const { request } = await house.agent.call<AccessRequestResult>('access.request', asked);
  await approveShown(house.running, link);
  lease = (await house.agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 10 })).lease ?? '';
};

interface Strike {
  readonly strike: (request: string) => Promise<unknown>;
  /** Makes the next round possible. */
  readonly heal?: () => Promise<unknown>;
}

const STRIKES: Readonly<Record<string, Strike>> = {
  lock: {
    strike: () => ask(link, 'lock'),
    heal: async () => {
      await ask(link, 'action.open', { verb: 'unlock', params: {} });
      await approveShown(house.running, link);
    },
  },
  'revocation of the lease': {
    strike: () => ask(link, 'revoke', { lease: parseLease(lease).payload.id }),
    heal: renewLease,
  },
  'release of the lease': { strike: () => house.agent.call('access.release', { lease }), heal: renewLease },
  'a denial of what was approved': { strike: (request) => refusalOf(ask(link, 'request.deny', { request })) },
  'the same call again and again': {
    strike: () => Promise.all(Array.from({ length: 5 }, () => house.deliver('the same', lease))),
    heal: () => ask(link, 'request.deny', { all: true }).then(() => house.running.clock.advance(10_000)),
  },
  'another connection of the session': {
    strike: async () => {
      house.agent.close();
      house.agent = await openSession(house.running, { resume: house.agent.hello.resume });
    },
  },
};

for (const [name, { strike, heal }] of Object.entries(STRIKES)) {
  t.test(name, async (t) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = `${name} ${round}`;
      const { data, code: answered } = await house.deliver(text, lease);
      t.equal(answered, 'APPROVAL_PENDING');
      const request = data.request ?? '';
      await until('it is in front', async () => (await frontOf(link)).id === request);
      await approveShown(house.running, link);
      for (let asked = 0; asked < round * STEP; asked += 1) await house.result(request).catch(() => null);
      await strike(request);
      await heal?.();
      const code = await endOf(house, request);
      const times = house.deliveries.lines.filter((line) => line === text).length;
      t.ok(isTrue(code, times), `${code}, delivered ${times} times`);
    }
  });
}
