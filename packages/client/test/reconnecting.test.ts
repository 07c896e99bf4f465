/** CLIENT-1 to CLIENT-4: a gateway that restarts. */
import t from 'tap';
import { AirlockError, type TimerHandle, type Timers } from '@airlock/protocol';
import { Session, connectAirlock, findAgentSocket, servicesList } from '../src/index.js';
import { FakeGateway, GMAIL, NOTES, fakeGateway } from './fake-gateway.js';

const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

/** Backoff fires when the test says so; long timeouts never do. */
class HandTimers implements Timers {
  readonly waits: number[] = [];
  #due: (() => void)[] = [];
  #wakers: (() => void)[] = [];

  after(ms: number, fn: () => void): TimerHandle {
    if (ms >= 1000) return { cancel: () => undefined };
    this.waits.push(ms);
    this.#due.push(fn);
    for (const wake of this.#wakers.splice(0)) wake();
    return { cancel: () => void (this.#due = this.#due.filter((other) => other !== fn)) };
  }

  nowMs(): number {
    return 0;
  }

  /** Waits for the next backoff to be armed. */
  async armed(): Promise<void> {
    if (this.#due.length === 0) await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }

  fire(): void {
    for (const fn of this.#due.splice(0)) fn();
  }
}

const backoff = { tries: 4, firstMs: 10, maxMs: 25 };

t.test('CLIENT-1: the session is taken up and live leases stay usable', async (test) => {
  const gateway = await fakeGateway();
  const timers = new HandTimers();
  const airlock = await connectAirlock({ env: gateway.env, timers, backoff });
  const access = await airlock.requestAccess(ASK);
  const { id } = airlock.session;
  await gateway.stop();
  await timers.armed();
  await gateway.start();
  const reconnected = new Promise<void>((resolve) => airlock.events.once('reconnected', () => resolve()));
  timers.fire();
  await reconnected;
  test.equal((await access.gmail.countUnread()).unread, 3);
  test.equal(airlock.session.id, id);
  test.equal(access.ended, null);
  test.match(gateway.calls('hello').at(-1), { resume: airlock.session.resume });
  await airlock.close();
  await gateway.remove();
});

t.test('CLIENT-1: the tries are bounded, each wait longer, and the next call tries anew', async (test) => {
  const gateway = await fakeGateway();
  const timers = new HandTimers();
  const session = await Session.open({ socket: findAgentSocket({ env: gateway.env }), timers, backoff });
  await gateway.stop();
  const asked = servicesList(session);
  asked.catch(() => undefined);
  for (let round = 0; round < backoff.tries - 1; round += 1) {
    await timers.armed();
    timers.fire();
  }
  await test.rejects(asked, { code: 'UNAVAILABLE' });
  test.same(timers.waits, [10, 20, 25]);
  await gateway.start();
  test.same(await servicesList(session), [GMAIL]);
  session.close();
  await gateway.remove();
});

/** A gateway that dies with the first call in flight and serves the second. */
const dyingGateway = async (): Promise<FakeGateway> => {
  const gateway = await fakeGateway({ services: [GMAIL, NOTES] });
  gateway.answers.set('call', async () => {
    gateway.answers.delete('call');
    await gateway.restart();
    return {};
  });
  return gateway;
};

t.test('CLIENT-2: a read in flight is sent once more', async (test) => {
  const gateway = await dyingGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess(ASK);
  test.equal((await access.gmail.countUnread()).unread, 3);
  test.equal(gateway.calls('call').length, 2);
  await airlock.close();
  await gateway.remove();
});

t.test('CLIENT-2: only once', async (test) => {
  const gateway = await fakeGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess(ASK);
  gateway.answers.set('call', async () => {
    await gateway.restart();
    return {};
  });
  await test.rejects(access.gmail.countUnread(), { code: 'UNAVAILABLE' });
  test.equal(gateway.calls('call').length, 2);
  await airlock.close();
  await gateway.remove();
});

t.test('CLIENT-2: under a lease that allows more, the class of the operation is looked up', async (test) => {
  const gateway = await dyingGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess({ ...ASK, scopes: ['gmail:read', 'notes:write'] });
  test.equal((await access.gmail.countUnread()).unread, 3);
  test.equal(gateway.calls('services.list').length, 1);
  await airlock.close();
  await gateway.remove();
});

t.test('CLIENT-3: a write in flight is not sent again, and nobody claims to know', async (test) => {
  const gateway = await dyingGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess({ ...ASK, scopes: ['notes:write'] });
  await test.rejects(access.call('notes', 'add_note', { text: 'hello' }), { code: 'OUTCOME_UNKNOWN' });
  test.equal(gateway.calls('call').length, 1);
  await airlock.close();
  await gateway.remove();
});

t.test('a refusal of the gateway is not retried, whatever its code', async (test) => {
  const gateway = await fakeGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess(ASK);
  gateway.answers.set('call', () => {
    throw new AirlockError('UNAVAILABLE', 'no cell is free');
  });
  await test.rejects(access.gmail.countUnread(), { code: 'UNAVAILABLE', message: 'no cell is free' });
  test.equal(gateway.calls('call').length, 1);
  await airlock.close();
  await gateway.remove();
});

t.test('a session the gateway no longer knows is replaced; leases of it are over', async (test) => {
  const gateway = await fakeGateway();
  const airlock = await connectAirlock({ env: gateway.env });
  const access = await airlock.requestAccess(ASK);
  const { id } = airlock.session;
  gateway.forgetSessions();
  const replaced = new Promise<void>((resolve) => airlock.events.once('replaced', () => resolve()));
  await gateway.restart();
  await replaced;
  test.equal(access.ended, 'replaced');
  await test.rejects(access.gmail.countUnread(), { code: 'LEASE_SESSION' });
  await airlock.status();
  test.not(airlock.session.id, id);
  await airlock.close();
  await gateway.remove();
});

t.test('CLIENT-4: resume takes the session up elsewhere, and stands in no error', async (test) => {
  const gateway = await fakeGateway();
  const parent = await connectAirlock({ env: gateway.env });
  const child = await connectAirlock({ env: gateway.env, resume: parent.session.resume });
  test.equal(child.session.id, parent.session.id);
  gateway.answers.set('hello', () => {
    throw new AirlockError('LOCKED', 'locked');
  });
  const { resume } = parent.session;
  const refusal: unknown = await connectAirlock({ env: gateway.env, resume }).catch((thrown: unknown) => thrown);
  test.notMatch(JSON.stringify(refusal) + String(refusal), resume);
  await parent.close();
  await child.close();
  await gateway.remove();
});

t.test('close ends a reconnect that waits', async (test) => {
  const gateway = await fakeGateway();
  const timers = new HandTimers();
  const airlock = await connectAirlock({ env: gateway.env, timers, backoff });
  await gateway.stop();
  const asked = airlock.status();
  asked.catch(() => undefined);
  await timers.armed();
  await airlock.close();
  await test.rejects(asked, { code: 'UNAVAILABLE', message: 'the client was closed' });
  await gateway.remove();
});
