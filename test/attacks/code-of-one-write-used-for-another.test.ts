// Attack: the code for one write is to run another, or other parameters, or the same twice. OPERATION-1..6, QUEUE-2, PARK-3.
import { approveFront, refusalOf } from '@airlock/testkit';
import t from 'tap';
import { approveShown, ask, codeNow, connectTo, errorOf, frontOf, pendingOn, submissionFor, submit } from './support/house.js';
import { endOf, startParkedWrites, type ParkedWrites } from './support/parked-write.js';

let house: ParkedWrites;
t.before(async () => {
  house = await startParkedWrites();
});
t.teardown(() => house.stop());

t.test('what was read is not what would be approved: another write in front, or the digest of another text', async (t) => {
  const link = await connectTo(house.running, 'approve/default');
  const harmless = await house.deliver('harmless');
  const shown = await frontOf(link);
  const evil = await house.deliver('evil');
  t.not(evil.data.request, harmless.data.request);
  const { code } = await errorOf(submit(link, { ...shown, id: evil.data.request ?? '' }, codeNow(house.running)));
  t.match(code, /NOT_FOUND|APPROVAL_|CODE_REJECTED|PARAMS_INVALID/);
  const [waiting] = (await pendingOn(link)).waiting;
  t.ok(waiting, 'the other one still waits');
  await approveShown(house.running, link);
  t.equal(await endOf(house, harmless.data.request ?? ''), 'ok');
  t.same(house.deliveries.lines, ['harmless']);
  t.equal(await refusalOf(house.result(evil.data.request ?? '')), 'APPROVAL_PENDING');
  const front = await frontOf(link);
  const again = await errorOf(ask(link, 'request.approve', submissionFor(front, codeNow(house.running))));
  t.equal(again.code, 'CODE_REJECTED', 'the same code twice');
  t.same(house.deliveries.lines, ['harmless']);
  await ask(link, 'request.deny', { request: front.id });
  house.running.clock.advance(90_000);
  link.close();
});

t.test('parameters changed after the approval are another request, and the approved ones ran', async (t) => {
  const first = await house.deliver('pay 10');
  await approveFront(house.running);
  t.equal(await endOf(house, first.data.request ?? ''), 'ok');
  const changed = await house.deliver('pay 10000');
  t.not(changed.data.request, first.data.request);
  t.equal(await refusalOf(house.result(changed.data.request ?? '')), 'APPROVAL_PENDING');
  t.notOk(house.deliveries.lines.includes('pay 10000'));
});

t.test('an approved write runs once, however often its outcome is asked for, from however many connections', async (t) => {
  const { data } = await house.deliver('once');
  const link = await connectTo(house.running, 'approve/default');
  while ((await frontOf(link)).id !== data.request) await approveShown(house.running, link);
  await approveShown(house.running, link);
  link.close();
  await Promise.all(Array.from({ length: 40 }, () => house.result(data.request ?? '').catch(() => null)));
  t.equal(await endOf(house, data.request ?? ''), 'ok');
  await Promise.all(Array.from({ length: 40 }, () => house.result(data.request ?? '')));
  t.equal(house.deliveries.lines.filter((line) => line === 'once').length, 1);
});
