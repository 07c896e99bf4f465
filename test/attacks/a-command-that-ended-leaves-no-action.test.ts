// An operator's command that failed or was killed must not keep its action in front, where the next command would wait for it.
import { startTestInstance, type Running } from '@airlock/testkit';
import t from 'tap';
import { connectTo, pendingOn } from './support/house.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

const frontId = async (): Promise<string | null> => {
  const link = await connectTo(running, 'approve/default');
  const { front } = await pendingOn(link);
  link.close();
  return front?.id ?? null;
};

/** Asks until nothing is in front; bounded, so that a failure is one. */
const gone = async (): Promise<boolean> => {
  for (let tries = 0; tries < 200; tries += 1) if ((await frontId()) === null) return true;
  return false;
};

t.test('QUEUE-11: a wrong code ends the command and its action', async (t) => {
  const refused = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: '000000\n' });
  t.equal(refused.status, 4);
  t.match(refused.json, { error: { code: 'CODE_REJECTED' } });
  t.ok(await gone());
});

t.test('a slip does not cost the action its place: the next line is the next code', async (t) => {
  // The action before left the front undecided: the floor rose, and two steps have to pass.
  running.freshCode();
  running.freshCode();
  const done = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `000000\n${running.freshCode()}\n` });
  t.equal(done.status, 0, done.stderr);
  t.match(done.stderr, 'the code was not accepted');
});

t.test('QUEUE-11: the end of the connection ends the action, a wait in flight or not', async (t) => {
  for (const waits of [false, true]) {
    const link = await connectTo(running, 'approve/default');
    const { request } = (await link.call('action.open', { verb: 'unlock', params: {} })) as { request: { id: string } };
    t.equal(await frontId(), request.id, 'negative control: while it is connected, it is in front');
    if (waits) link.call('action.wait', { request: request.id, timeoutS: 50 }).catch(() => undefined);
    link.close();
    t.ok(await gone(), waits ? 'with a wait in flight' : 'without');
  }
});

t.test('root brings back what a clock that was ahead has moved', async (t) => {
  const real = running.clock.wallMs();
  const link = await connectTo(running, 'approve/default');
  await link.call('action.open', { verb: 'unlock', params: {} });
  running.clock.setWall(real + 86_400_000);
  t.ok(await gone(), 'it expires on the false clock, and the floor rises there');
  running.clock.setWall(real);
  link.close();
  const held = await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` });
  t.equal(held.status, 4, 'negative control: codes are held back');
  t.match(held.stderr, 'airlock-ctl lockout clear terminal', 'and the way out is named');
  t.equal((await running.command('airlock-ctl', ['lockout', 'clear', 'terminal', '--json'])).status, 0);
  t.ok(await gone());
  for (let step = 0; step < 3; step += 1) running.freshCode();
  t.equal((await running.command('airlock-ctl', ['unlock', '--json'], { stdin: `${running.freshCode()}\n` })).status, 0);
});
