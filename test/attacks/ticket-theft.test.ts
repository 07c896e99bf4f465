// The ticket of an approved action is stolen: used on another connection, twice, after its connection's end, for something else.
import type { Connection } from '@airlock/ipc';
import { FRAME, type ActionWaitResult, type SealedRecordText } from '@airlock/protocol';
import { openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import { randomBytes } from 'node:crypto';
import t from 'tap';
import { approveShown, ask, connectTo, frontOf, goodCode, killHard, submit, until, untilServing } from './support/house.js';
import { addService, credential, keyAnswer, maildir, sealWith } from './support/service.js';

let running: Running;
let owner: Connection;
let thief: Connection;
let gateway: Connection;
t.before(async () => {
  running = await startTestInstance({ cells: 2 });
  owner = await connectTo(running, 'approve/default');
  thief = await connectTo(running, 'approve/default');
  gateway = await connectTo(running, 'operator/default');
});
t.teardown(async () => {
  for (const link of [owner, thief, gateway]) link.close();
  await running.stop();
});

/** An action opened and approved on one connection. @returns its ticket */
const ticketFor = async (link: Connection, verb: string, params: object): Promise<string> => {
  running.clock.advance(30_000);
  await ask(link, 'action.open', { verb, params });
  return (await approveShown(running, link)).ticket ?? '';
};
const seal = (link: Connection, ticket: string): Promise<string> => keyAnswer(link, FRAME.SEAL_KEY_REQUEST, ticket);
const redeem = (method: string, ticket: string, record?: SealedRecordText): Promise<string | null> =>
  refusalOf(ask(gateway, method, record === undefined ? { ticket } : { ticket, record }));

t.test('QUEUE-11: on another connection it gives no key', async (t) => {
  const ticket = await ticketFor(owner, 'service.add', maildir(running));
  t.equal(await seal(thief, ticket), 'NOT_AUTHENTICATED');
  t.equal(await refusalOf(ask(thief, 'enrol.begin', { ticket })), 'NOT_AUTHENTICATED');
  const record = await sealWith(owner, ticket, {});
  t.equal(await seal(owner, ticket), 'NOT_AUTHENTICATED', 'each right once: a second key');
  t.equal(await redeem('service.add', ticket, record), null, 'negative control: its owner uses it');
  t.equal(await redeem('service.add', ticket, record), 'NOT_AUTHENTICATED', 'each right once: a second service');
});

t.test('QUEUE-11: an approval elsewhere hands the ticket to the connection that opened the action alone', async (t) => {
  running.clock.advance(30_000);
  const { request } = await ask<{ request: { id: string } }>(owner, 'action.open', {
    verb: 'service.test',
    params: { service: 'mail' },
  });
  const code = await goodCode(running, thief);
  t.equal((await submit(thief, await frontOf(thief), code)).ticket, undefined, 'the approver is not given it');
  const wait = (link: Connection): Promise<ActionWaitResult> => ask(link, 'action.wait', { request: request.id, timeoutS: 0 });
  t.equal((await wait(thief)).ticket, undefined, 'nor who asks for it first');
  const { ticket = '' } = await wait(owner);
  t.ok(ticket, 'negative control');
  t.equal((await wait(owner)).ticket, undefined, 'once');
  t.equal(await redeem('service.test', ticket), null, 'negative control: it was good');
});

t.test('QUEUE-11: for another verb it is nothing', async (t) => {
  for (const method of ['service.remove', 'credentials.remove', 'service.add', 'credentials.put']) {
    const stolen = await ticketFor(owner, 'service.test', { service: 'mail' });
    const record = method === 'credentials.put' ? { header: '', wrapped: '', body: '' } : undefined;
    t.equal(await redeem(method, stolen, record), 'NOT_AUTHENTICATED', method);
    t.equal(await redeem('service.test', stolen), 'NOT_AUTHENTICATED', 'and the attempt used it up');
  }
  const ticket = await ticketFor(owner, 'service.test', { service: 'mail' });
  t.equal(await seal(owner, ticket), 'NOT_AUTHENTICATED');
  t.equal(await keyAnswer(owner, FRAME.OPEN_KEY_REQUEST, ticket, Buffer.alloc(1), Buffer.alloc(1)), 'NOT_AUTHENTICATED');
  t.equal(await refusalOf(ask(owner, 'enrol.begin', { ticket })), 'NOT_AUTHENTICATED');
  t.equal(await redeem('service.test', ticket), null, 'negative control: for its own verb');
});

t.test('QUEUE-11: for another service it seals nothing that is taken', async (t) => {
  const first = await ticketFor(owner, 'service.add', maildir(running, 'other'));
  await addService(running, owner, first);
  const ticket = await ticketFor(owner, 'credentials.add', credential(running, 'mail'));
  const record = await sealWith(owner, ticket, {});
  const other = await ticketFor(owner, 'credentials.add', credential(running, 'other'));
  t.equal(
    await redeem('credentials.put', other, record),
    'VAULT_UNREADABLE',
    'the record of one service with the ticket of the other',
  );
  t.equal(await redeem('credentials.put', ticket, record), null, 'negative control: with its own');
});

t.test('QUEUE-11: after the end of its connection it is nothing', async (t) => {
  const terminal = await connectTo(running, 'approve/default');
  const ticket = await ticketFor(terminal, 'service.test', { service: 'mail' });
  const kept = await ticketFor(owner, 'service.test', { service: 'mail' });
  terminal.close();
  await until(
    () => redeem('service.test', ticket),
    (refusal) => refusal === 'NOT_AUTHENTICATED',
  );
  t.equal(await seal(owner, ticket), 'NOT_AUTHENTICATED');
  t.equal(await redeem('service.test', kept), null, 'negative control: one whose connection goes on');
});

t.test('QUEUE-11: after 120 s, and after a restart, it is nothing', async (t) => {
  const late = await ticketFor(owner, 'service.test', { service: 'mail' });
  running.clock.advance(119_000);
  const alive = await ticketFor(owner, 'service.test', { service: 'mail' });
  running.clock.advance(1000);
  t.equal(await redeem('service.test', late), 'NOT_AUTHENTICATED');
  t.equal(await redeem('service.test', alive), null, 'negative control');
  const lost = await ticketFor(owner, 'service.test', { service: 'mail' });
  await killHard(running.pids.totp);
  await untilServing(running);
  t.equal(await redeem('service.test', lost), 'NOT_AUTHENTICATED');
});

t.test('guesses, and tickets where agents speak', async (t) => {
  owner = await connectTo(running, 'approve/default');
  const ticket = await ticketFor(owner, 'service.test', { service: 'mail' });
  t.equal(await redeem('service.test', randomBytes(32).toString('base64url')), 'NOT_AUTHENTICATED');
  t.equal(await redeem('service.test', ticket.slice(0, -2)), 'NOT_AUTHENTICATED');
  t.equal(await redeem('service.test', ticket.toLowerCase()), 'NOT_AUTHENTICATED');
  const agent = await openSession(running);
  for (const method of ['service.test', 'service.remove', 'credentials.put', 'action.redeem', 'action.wait'])
    t.equal(await refusalOf(agent.call(method, { ticket })), 'METHOD_UNKNOWN', method);
  t.equal(await refusalOf(agent.call('access.claim', { grant: ticket })), 'NOT_FOUND');
  t.equal(await redeem('service.test', ticket), null, 'negative control');
  agent.close();
});
