// Attack: get a record's key from release.sock without being the cell it is meant for. RELEASE-1, -2, -4, -5.
import {
  addFixture,
  binaryFrame,
  daemonOf,
  obtainLease,
  openSession,
  refusalOf,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import { FRAME, decodeBase64url, packBlobs, type AccessStatus } from '@airlock/protocol';
import { asDek, openRecord } from '@airlock/vault';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import t from 'tap';
import { giveBack, outcomeOf, recordOf, release, releaseRequest, takeBridge, type FakeGateway } from './bridge.js';

const TOKEN = 'what-the-key-is-for';

let running: Running;
let agent: AgentSession;
let gateway: FakeGateway;
let lease: string;
let totp: number;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running, { name: 'first', token: TOKEN });
  await addFixture(running, { name: 'second' });
  agent = await openSession(running);
  await obtainLease(running, agent, ['first:read']);
  lease = (await agent.call<AccessStatus>('access.status')).leases[0]?.id ?? '';
  totp = await daemonOf(running, 'airlock-totp');
  gateway = await takeBridge(running);
});
t.teardown(async () => {
  await giveBack(running, gateway);
  agent.close();
  await running.stop();
});

const attempt = async (ticket: Uint8Array, service = 'first'): Promise<string> =>
  outcomeOf(await release(running, releaseRequest(ticket, recordOf(running, service))));

t.test('negative control: a fresh ticket with its own record is granted, and the key opens it', async (t) => {
  const record = recordOf(running, 'first');
  const answer = await release(running, releaseRequest(await gateway.ticket(lease, 'first'), record));
  t.equal(outcomeOf(answer), 'granted');
  const [header, body] = [decodeBase64url(record.header), decodeBase64url(record.body)];
  if (header === null || body === null) throw new Error('the record is not base64url');
  const { fields } = openRecord({
    ...{ dek: asDek(answer.bytes.subarray(5, 37)), header, body },
    expected: { service: 'first', owner: 'default' },
  });
  t.same(fields, { token: TOKEN });
});

t.test('without a ticket there is no key', async (t) => {
  for (const ticket of [randomBytes(32), Buffer.alloc(32), Buffer.alloc(0), randomBytes(31), randomBytes(33), randomBytes(4000)])
    t.equal(await attempt(ticket), 'NOT_AUTHENTICATED', `${ticket.length} bytes`);
});

t.test('a ticket is good once, whether it was granted or refused', async (t) => {
  const used = await gateway.ticket(lease, 'first');
  t.equal(await attempt(used), 'granted');
  t.equal(await attempt(used), 'NOT_AUTHENTICATED');
  const refused = await gateway.ticket(lease, 'first');
  t.equal(await attempt(refused, 'second'), 'VAULT_UNREADABLE', 'the record of another service');
  t.equal(await attempt(refused), 'NOT_AUTHENTICATED', 'burnt');
});

t.test('fifty at once with one ticket: one key', async (t) => {
  const ticket = await gateway.ticket(lease, 'first');
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => attempt(ticket)));
  t.equal(outcomes.filter((outcome) => outcome === 'granted').length, 1);
  t.equal(outcomes.filter((outcome) => outcome === 'NOT_AUTHENTICATED').length, 49);
});

t.test('no ticket is made for a service the lease does not name', async (t) => {
  t.equal(await refusalOf(gateway.ticket(lease, 'second')), 'LEASE_SCOPE');
  t.equal(await refusalOf(gateway.ticket(lease, 'nosuch')), 'LEASE_SCOPE');
});

t.test('a ticket ends after ten seconds', async (t) => {
  const [early, late] = [await gateway.ticket(lease, 'first'), await gateway.ticket(lease, 'first')];
  running.clock.advance(9000);
  t.equal(await attempt(early), 'granted', 'negative control: nine seconds');
  running.clock.advance(1000);
  t.equal(await attempt(late), 'NOT_AUTHENTICATED');
});

t.test('what is no release request is refused, and the connection closed', async (t) => {
  const ticket = await gateway.ticket(lease, 'first');
  const good = releaseRequest(ticket, recordOf(running, 'first'));
  const payload = good.subarray(5);
  const frames: Readonly<Record<string, Buffer>> = {
    'the type of a grant': binaryFrame(FRAME.RELEASE_GRANT, payload),
    'the type of operators': binaryFrame(FRAME.OPEN_KEY_REQUEST, payload),
    'an unknown type': binaryFrame(0x1f, payload),
    'a byte too much': binaryFrame(FRAME.RELEASE_REQUEST, Buffer.concat([payload, Buffer.from([0])])),
    'a byte too few': binaryFrame(FRAME.RELEASE_REQUEST, payload.subarray(0, -1)),
    'two parts': binaryFrame(FRAME.RELEASE_REQUEST, packBlobs(Buffer.alloc(0), ticket, Buffer.alloc(3))),
    empty: binaryFrame(FRAME.RELEASE_REQUEST, Buffer.alloc(0)),
    'a length beyond all limits': Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0]),
    'JSON where none is spoken': Buffer.from('{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}\n'),
  };
  for (const [name, frame] of Object.entries(frames)) {
    const outcome = outcomeOf(await release(running, frame));
    t.match(outcome, /^(FRAME_INVALID|FRAME_TOO_LARGE|closed)$/, name);
  }
  t.equal(outcomeOf(await release(running, good)), 'granted', 'and the ticket was not touched');
});

t.test('one connection carries one request', async (t) => {
  const [one, two] = [await gateway.ticket(lease, 'first'), await gateway.ticket(lease, 'first')];
  const record = recordOf(running, 'first');
  const glued = Buffer.concat([releaseRequest(one, record), releaseRequest(two, record)]);
  const ended = await new Promise<Buffer>((resolve) => {
    const socket = connect(running.sockets['release'] ?? '');
    const parts: Buffer[] = [];
    socket.on('data', (chunk) => parts.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(parts)));
    socket.write(glued);
  });
  t.equal([...ended.subarray(0, 1)][0], FRAME.RELEASE_GRANT, 'the first is granted');
  t.match(ended.toString('latin1'), /FRAME_INVALID/, 'the second is refused, and the release ends');
});

t.test('the end of the lease ends the release, and no ticket outlives it', async (t) => {
  const held = await gateway.ticket(lease, 'first');
  const closed = new Promise<void>((resolve) => {
    const socket = connect(running.sockets['release'] ?? '');
    socket.on('data', () => undefined);
    socket.on('close', () => resolve());
    void gateway.ticket(lease, 'first').then((ticket) => socket.write(releaseRequest(ticket, recordOf(running, 'first'))));
  });
  const isOpen = await Promise.race([closed.then(() => false), refusalOf(gateway.call('heartbeat', {})).then(() => true)]);
  t.ok(isOpen, 'negative control: open while the lease lives');
  t.equal((await running.command('airlock-ctl', ['revoke', '--all', '--json'])).status, 0);
  await closed;
  t.equal(await attempt(held), 'LEASE_EXPIRED');
  t.equal(await refusalOf(gateway.ticket(lease, 'first')), 'LEASE_EXPIRED');
});

t.test('airlock-totp went through all of it', async (t) => {
  t.equal(await until('airlock-totp', () => daemonOf(running, 'airlock-totp')), totp);
});
