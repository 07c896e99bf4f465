// Attack: kill -9 of either daemon or the cell at each step of an approved write. At most once, and never a wrong claim. PARKED-1..5.
import { daemonOf, isAlive, openSession, pidsOf, until, untilServing, type ProgramName } from '@airlock/testkit';
import t from 'tap';
import { approveShown, connectTo, frontOf } from './support/house.js';
import { endOf, isTrue, startParkedWrites, type ParkedWrites } from './support/parked-write.js';

const PROGRAMS: readonly ProgramName[] = ['airlock-totp', 'airlock-gateway', 'airlock-cell'];

let house: ParkedWrites;
t.before(async () => {
  house = await startParkedWrites();
});
t.teardown(() => house.stop());

const kill = async (program: ProgramName): Promise<void> => {
  const pids = program === 'airlock-cell' ? pidsOf(house.running, program) : [await daemonOf(house.running, program)];
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await until('the end of it', () => pids.every((pid) => !isAlive(pid)));
};

/** As a client does: the same session on a new connection. */
const again = async (): Promise<void> => {
  const { resume } = house.agent.hello;
  house.agent.close();
  await untilServing(house.running);
  house.agent = await openSession(house.running, { resume });
};

const approve = async (request: string): Promise<void> => {
  const link = await connectTo(house.running, 'approve/default');
  try {
    await until('it is in front', async () => (await frontOf(link)).id === request);
    await approveShown(house.running, link);
  } finally {
    link.close();
  }
};

const count = (text: string): number => house.deliveries.lines.filter((line) => line === text).length;

for (const program of PROGRAMS) {
  t.test(`${program} killed while the write waits`, async (t) => {
    const text = `waiting ${program}`;
    const { data } = await house.deliver(text);
    await kill(program);
    await again();
    await approve(data.request ?? '');
    t.equal(await endOf(house, data.request ?? ''), 'ok', 'nothing was lost');
    t.equal(count(text), 1);
  });

  t.test(`${program} killed while the service is doing it`, async (t) => {
    const text = `running ${program}`;
    const { data } = await house.deliver(text);
    let taken = (): void => undefined;
    const isTaken = new Promise<void>((resolve) => (taken = resolve));
    house.deliveries.onLine = () => {
      taken();
      return false;
    };
    await approve(data.request ?? '');
    await isTaken;
    house.deliveries.onLine = () => true;
    await kill(program);
    await again();
    const code = await endOf(house, data.request ?? '');
    t.equal(code, 'OUTCOME_UNKNOWN', 'it may have happened');
    t.equal(count(text), 1);
    await again();
    t.equal(await endOf(house, data.request ?? ''), code, 'and it stays so');
    t.equal(count(text), 1, 'never again');
  });

  t.test(`${program} killed right after the code, again and again`, async (t) => {
    for (let round = 0; round < 4; round += 1) {
      const text = `raced ${program} ${round}`;
      const { data } = await house.deliver(text);
      await approve(data.request ?? '');
      for (let turn = 0; turn < round * 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await kill(program);
      await again();
      const code = await endOf(house, data.request ?? '');
      t.ok(isTrue(code, count(text)), `${code}, delivered ${count(text)} times`);
    }
  });
}

t.test('negative control: two deliveries of one text would be seen, and a false claim would be named', (t) => {
  t.notOk(isTrue('ok', 2));
  t.notOk(isTrue('ok', 0));
  t.notOk(isTrue('APPROVAL_EXPIRED', 1));
  t.notOk(isTrue('OUTCOME_UNKNOWN', 2));
  t.end();
});
