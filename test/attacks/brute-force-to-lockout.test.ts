// Codes are guessed: in a row, in parallel, over kills, with time passing, by way of recovery codes.
import type { Connection } from '@airlock/ipc';
import type { ApproveStatus } from '@airlock/protocol';
import { openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import t from 'tap';
import { ask, auditOf, codeNow, connectTo, frontOf, goodCode, killHard, submit, untilServing } from './support/house.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

/** Not one that the phone shows in any of the steps near now. */
const wrongCode = (): string => {
  const near = new Set(Array.from({ length: 9 }, (_, n) => codeNow(running, n - 4)));
  return ['111111', '222222', '333333', '444444', '555555', '666666', '777777', '888888', '999999', '000000'].find(
    (code) => !near.has(code),
  ) as string;
};
const openAction = (link: Connection): Promise<unknown> =>
  ask(link, 'action.open', { verb: 'service.remove', params: { service: 'mail' } });
const lockout = async (link: Connection): Promise<ApproveStatus['lockout']['terminal']> =>
  (await ask<ApproveStatus>(link, 'status')).lockout.terminal;

t.test('negative control: nine failures are forgiven by one good code', async (t) => {
  const operator = await connectTo(running, 'approve/default');
  await openAction(operator);
  const shown = await frontOf(operator);
  for (let n = 0; n < 9; n += 1) t.equal(await refusalOf(submit(operator, shown, wrongCode())), 'CODE_REJECTED');
  t.same(await lockout(operator), { locked: false, triesLeft: 1 });
  t.equal(await refusalOf(submit(operator, shown, await goodCode(running, operator))), null);
  t.same(await lockout(operator), { locked: false, triesLeft: 10 });
  operator.close();
});

t.test('QUEUE-9: a hundred guesses at once: nine are looked at, the tenth locks', async (t) => {
  running.clock.advance(30_000);
  const links = await Promise.all(Array.from({ length: 5 }, () => connectTo(running, 'approve/default')));
  const [operator] = links as [Connection];
  await openAction(operator);
  const shown = await frontOf(operator);
  const wrong = wrongCode();
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, n) => refusalOf(submit(links[n % links.length] ?? operator, shown, wrong))),
  );
  t.equal(outcomes.filter((outcome) => outcome === 'CODE_REJECTED').length, 9);
  t.equal(outcomes.filter((outcome) => outcome === 'CODE_LOCKED_OUT').length, 91);
  t.equal((await auditOf(running, 'lockout')).length, 1);
  for (const link of links) link.close();
});

t.test(
  'a lockout holds: for right codes, for other requests, over time, over a kill, against every socket but root’s',
  async (t) => {
    const operator = await connectTo(running, 'approve/default');
    const right = async (link: Connection): Promise<string | null> => {
      await openAction(link);
      const refusal = await refusalOf(submit(link, await frontOf(link), await goodCode(running, link)));
      await ask(link, 'request.deny', { all: true });
      return refusal;
    };
    t.equal(await right(operator), 'CODE_LOCKED_OUT', 'a right code is not looked at');
    t.equal(await refusalOf(ask(operator, 'reset.recover', { recoveryCode: 'AAAA-AAAA-AAAA-AAAA' })), 'CODE_LOCKED_OUT');
    running.clock.advance(86_400_000);
    t.equal(await right(operator), 'CODE_LOCKED_OUT', 'a day later');
    operator.close();

    await killHard(running.pids.totp);
    await untilServing(running);
    const after = await connectTo(running, 'approve/default');
    t.same(await lockout(after), { locked: true, triesLeft: 0 }, 'kill -9 and a restart');
    t.equal(await right(after), 'CODE_LOCKED_OUT');

    const clear = { operator: 'default', channel: 'terminal' };
    const gateway = await connectTo(running, 'operator/default');
    const agent = await openSession(running);
    t.equal(await refusalOf(ask(after, 'lockout.clear', clear)), 'METHOD_UNKNOWN');
    t.equal(await refusalOf(ask(gateway, 'lockout.clear', clear)), 'METHOD_UNKNOWN');
    t.equal(await refusalOf(agent.call('lockout.clear', clear)), 'METHOD_UNKNOWN');
    t.equal(await right(after), 'CODE_LOCKED_OUT');

    t.equal(await refusalOf(ask(after, 'lock')), null, 'what only takes away still works');
    const status = await ask<ApproveStatus>(after, 'status');
    t.equal(status.locked, true);

    const root = await running.command('airlock-ctl', ['lockout', 'clear', 'terminal', '--json']);
    t.equal(root.status, 0, root.stdout);
    t.same(await lockout(after), { locked: false, triesLeft: 10 });
    t.equal(await right(after), null, 'negative control: once root cleared it, a right code approves again');
    t.equal((await auditOf(running, 'lockout_cleared')).length, 1);
    for (const link of [after, gateway]) link.close();
    agent.close();
  },
);
