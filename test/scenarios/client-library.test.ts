// The agents' library against the real daemons: access, typed handles, given back when done, and a gateway that is killed.
import { connectAirlock, isAirlockError, type Airlock } from '@airlock/client';
import { addMailbox, approveFront, daemonOf, startTestInstance, until, untilServing, type Running } from '@airlock/testkit';
import t from 'tap';

interface Mail {
  listMessages(params?: { limit?: number }): Promise<{ messages: { id: string; subject: string }[] }>;
  getMessage(params: { id: string }): Promise<{ text?: string }>;
  countUnread(params?: object): Promise<{ unread: number }>;
}

let running: Running;
let airlock: Airlock<{ mail: Mail }>;
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  airlock = await connectAirlock<{ mail: Mail }>({ env: { ...running.env } });
});
t.teardown(async () => {
  await airlock.close();
  await running.stop();
});

const codeOf = async (work: Promise<unknown>): Promise<string | null> => {
  try {
    await work;
    return null;
  } catch (error) {
    return isAirlockError(error) ? error.code : String(error);
  }
};

/** The human approves as soon as the request is there. */
const approving = { onPending: (): void => void approveFront(running) };
const ASK = { scopes: ['mail:read'], reason: 'find the invoice', intent: 'find the invoice of ACME', ttlS: 600, ...approving };
const leases = async (): Promise<unknown[]> => (await running.command('airlock-ctl', ['leases', '--json'])).json as unknown[];

t.test('handles are named by service, and typed', async (t) => {
  t.equal(await codeOf(airlock.mail.countUnread()), 'LEASE_INVALID', 'negative control: before access');
  const access = await airlock.requestAccess(ASK);
  const { messages } = await access.mail.listMessages({ limit: 2 });
  t.equal(messages[0]?.subject, 'Invoice 2026-1107');
  t.match(JSON.stringify(await airlock.mail.getMessage({ id: messages[0]?.id ?? '' })), /120\.00 EUR/);
  t.equal(await codeOf(access.mail.listMessages({ limit: 0 })), 'PARAMS_INVALID');
  t.equal((await leases()).length, 1);
  await access.release();
  t.same(await leases(), []);
  t.equal(await codeOf(access.mail.countUnread()), 'LEASE_REVOKED');
});

t.test('withAccess gives the lease back, also where the work fails', async (t) => {
  t.match(await airlock.withAccess(ASK, ({ mail }) => mail.countUnread()), { unread: 2 });
  t.same(await leases(), []);
  await t.rejects(
    airlock.withAccess(ASK, () => Promise.reject(new Error('of the work'))),
    /of the work/,
  );
  t.same(await leases(), []);
});

t.test('a gateway killed with kill -9: the library reconnects to its session, and the lease is usable', async (t) => {
  const access = await airlock.requestAccess(ASK);
  t.match(await access.mail.countUnread(), { unread: 2 });
  const before = await daemonOf(running, 'airlock-gateway');
  process.kill(before, 'SIGKILL');
  await until('another gateway', async () => (await daemonOf(running, 'airlock-gateway')) !== before);
  await untilServing(running);
  await until('the same lease', async () => (await codeOf(access.mail.countUnread())) === null);
  t.equal((await leases()).length, 1, 'nobody was asked again');
  await access.release();
});

t.test('a denial is an error with its reason', async (t) => {
  const denied = airlock.requestAccess({
    ...ASK,
    onPending: () => void running.command('airlock-ctl', ['deny', '--reason', 'not today', '--json']),
  });
  await t.rejects(denied, { code: 'APPROVAL_DENIED', message: /not today/ });
});
