// Attack: a taken-over gateway has a lease that covers writing, and lets a cell write without the human's code. OPERATION-5, OPERATION-6.
import { connectSocket, type Connection } from '@airlock/ipc';
import { encodeBase64url, type AccessStatus, type OpenRequestResult, type TakenOperation } from '@airlock/protocol';
import { refusalOf } from '@airlock/testkit';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { giveBack, takeBridge, type FakeGateway } from './bridge.js';
import { approveShown, connectTo } from './support/house.js';
import { startParkedWrites, type ParkedWrites } from './support/parked-write.js';

let house: ParkedWrites;
let gateway: FakeGateway;
let lease: string;
let slot = 0;
t.before(async () => {
  house = await startParkedWrites(8);
  lease = (await house.agent.call<AccessStatus>('access.status')).leases[0]?.id ?? '';
  gateway = await takeBridge(house.running);
});
t.teardown(async () => {
  await giveBack(house.running, gateway);
  await house.stop();
});

/** A cell opened with a ticket, as the gateway opens one; slots are taken from the top, which the real one has not reached. */
const cellWith = async (ticket: string): Promise<Connection> => {
  slot += 1;
  const dirs = house.running.env;
  const entry = JSON.parse(
    readFileSync(join(dirs['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default/fixture.json'), 'utf8'),
  ) as Record<string, unknown>;
  const link = await connectSocket(join(dirs['AIRLOCK_RUNTIME_DIR'] ?? '', 'cell', `${8 - slot}.sock`));
  const { service, kind, settings, destination, record } = entry;
  await link.call('open', { lease, service, kind, settings, destination, record, ticket }, { timeoutMs: 8000 });
  return link;
};
const deliver = (cell: Connection, text: string, operation = 'deliver'): Promise<unknown> =>
  cell.call('execute', { operation, params: { text } }, { timeoutMs: 8000 });

const SESSION = (): string => house.agent.hello.session;
const approved = async (text: string, shown = 'write'): Promise<TakenOperation> => {
  const about = { operator: 'default', role: 'default', session: SESSION(), lease, service: 'fixture', operation: 'deliver' };
  const { request } = await gateway.call<OpenRequestResult>('operation.open', { ...about, class: shown, params: { text } });
  t.equal(await refusalOf(gateway.call('operation.take', { request })), 'APPROVAL_EXPIRED', 'not before the code');
  const link = await connectTo(house.running, 'approve/default');
  await approveShown(house.running, link);
  link.close();
  const taken = await gateway.call<TakenOperation>('operation.take', { request });
  t.equal(await refusalOf(gateway.call('operation.take', { request })), 'APPROVAL_EXPIRED', 'and once');
  return taken;
};

t.test('a cell of the lease reads and does not write', async (t) => {
  const cell = await cellWith(encodeBase64url(await gateway.ticket(lease, 'fixture')));
  t.equal(await refusalOf(deliver(cell, 'without')), 'POLICY_DENIED');
  t.equal(await refusalOf(deliver(cell, 'fine', 'echo')), null, 'negative control');
  t.same(house.deliveries.lines, []);
  cell.close();
});

t.test('a cell of an approval writes what was shown, once, and nothing else', async (t) => {
  const cell = await cellWith((await approved('shown')).ticket);
  t.equal(await refusalOf(deliver(cell, 'changed')), 'POLICY_DENIED', 'other parameters');
  t.equal(await refusalOf(cell.call('execute', { operation: 'change', params: {} })), 'POLICY_DENIED', 'another operation');
  t.equal(await refusalOf(deliver(cell, 'shown', 'echo')), 'POLICY_DENIED', 'not even a read');
  t.equal(await refusalOf(deliver(cell, 'shown')), null);
  t.equal(await refusalOf(deliver(cell, 'shown')), 'POLICY_DENIED', 'twice');
  t.same(house.deliveries.lines, ['shown']);
  cell.close();
});

t.test('a write that was shown as a read does not run', async (t) => {
  house.running.clock.advance(90_000);
  const cell = await cellWith((await approved('shown as a read', 'read')).ticket);
  t.equal(await refusalOf(deliver(cell, 'shown as a read')), 'POLICY_DENIED');
  t.same(house.deliveries.lines, ['shown']);
  cell.close();
});

t.test('OPERATION-4: a freeze ends the ticket of an approval that was taken, and is not over with the freeze', async (t) => {
  house.running.clock.advance(90_000);
  const tell = async (...reasons: readonly 'lock'[]): Promise<void> => {
    const link = await connectTo(house.running, 'presence');
    await link.call('report', { available: true, operators: [{ operator: 'default', sessions: 1, reasons, passed: reasons }] });
    link.close();
  };
  await tell();
  const { ticket } = await approved('before the screen was locked');
  await tell('lock');
  await tell();
  t.equal(await refusalOf(cellWith(ticket)), 'APPROVAL_EXPIRED');
  const cell = await cellWith(encodeBase64url(await gateway.ticket(lease, 'fixture')));
  t.equal(await refusalOf(deliver(cell, 'before the screen was locked')), 'POLICY_DENIED');
  t.equal(await refusalOf(deliver(cell, 'fine', 'echo')), null, 'negative control: nothing is frozen any more');
  t.same(house.deliveries.lines, ['shown']);
  cell.close();
});
