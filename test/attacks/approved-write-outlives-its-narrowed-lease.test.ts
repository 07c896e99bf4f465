// Attack: the holder of a lease narrowed to a minute parks a write, and has it approved when the minute is over. LEASE-9, PARKED-6.
import { narrowLease } from '@airlock/lease';
import { until } from '@airlock/testkit';
import t from 'tap';
import { approveShown, connectTo, frontOf } from './support/house.js';
import { endOf, startParkedWrites, type ParkedWrites } from './support/parked-write.js';

const MINUTE_MS = 60_000;

let house: ParkedWrites;
t.before(async () => {
  house = await startParkedWrites();
});
t.teardown(() => house.stop());

const narrowed = (): string => narrowLease(house.lease, ['expires', house.running.clock.wallMs() + MINUTE_MS]);

/** The code of what became of a write that is approved after so much time. */
const approvedAfter = async (text: string, wait: () => void): Promise<string> => {
  const { data } = await house.deliver(text, narrowed());
  const link = await connectTo(house.running, 'approve/default');
  await until('it is in front', async () => (await frontOf(link)).id === data.request);
  wait();
  await approveShown(house.running, link);
  link.close();
  return endOf(house, data.request ?? '');
};

t.test('negative control: approved in time it is delivered', async (t) => {
  t.equal(await approvedAfter('in time', () => undefined), 'ok');
  t.same(house.deliveries.lines, ['in time']);
});

t.test('after the end of the narrowed lease nothing is delivered, though the lease it came from lives', async (t) => {
  t.equal(await approvedAfter('too late', () => house.running.clock.advance(MINUTE_MS)), 'LEASE_EXPIRED');
  t.same(house.deliveries.lines, ['in time']);
});

t.test('setting the wall clock back prolongs nothing', async (t) => {
  const { clock } = house.running;
  const late = (): void => {
    clock.advance(MINUTE_MS);
    clock.setWall(clock.wallMs() - MINUTE_MS / 2);
  };
  t.equal(await approvedAfter('clock set back', late), 'LEASE_EXPIRED');
  t.same(house.deliveries.lines, ['in time']);
});
