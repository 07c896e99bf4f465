// Attack: a taken-over gateway has a lease that is held to a sender and some days, and forgets both when it asks the cell. RELEASE-8, MAIL-30 to MAIL-32.
import { connectSocket, type Connection } from '@airlock/ipc';
import { encodeBase64url, type AccessStatus, type CellResult } from '@airlock/protocol';
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { giveBack, takeBridge, type FakeGateway } from './bridge.js';

const SLOTS = 6;
let running: Running;
let agent: AgentSession;
let gateway: FakeGateway;
let slot = SLOTS;
const leases: string[] = [];
const HELD = { senders: ['grace@example.org'], since: '2026-11-01', maxResults: 1, maxRisk: 1000 };
t.before(async () => {
  running = await startTestInstance({ cells: SLOTS });
  await addMailbox(running);
  agent = await openSession(running);
  for (const constraints of [HELD, {}]) {
    const { lease } = await obtainLease(running, agent, ['mail:read'], { constraints });
    const known = (await agent.call<AccessStatus>('access.status')).leases.map(({ id }) => id);
    leases.push(known.find((id) => !leases.includes(id)) ?? lease);
    running.clock.advance(60_000);
  }
  gateway = await takeBridge(running);
});
t.teardown(async () => {
  await giveBack(running, gateway);
  agent.close();
  await running.stop();
});

/** A cell of the lease, opened as the gateway opens one; slots are taken from the top. */
const cellOf = async (lease: string): Promise<Connection> => {
  slot -= 1;
  const vault = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default/mail.json');
  const { service, kind, settings, destination, record } = JSON.parse(readFileSync(vault, 'utf8')) as Record<string, unknown>;
  const link = await connectSocket(join(running.env['AIRLOCK_RUNTIME_DIR'] ?? '', 'cell', `${slot}.sock`));
  const ticket = encodeBase64url(await gateway.ticket(lease, 'mail'));
  await link.call('open', { lease, service, kind, settings, destination, record, ticket }, { timeoutMs: 8000 });
  return link;
};
const execute = (cell: Connection, operation: string, params: object, more: object = {}): Promise<CellResult> =>
  cell.call('execute', { operation, params, ...more }, { timeoutMs: 8000 }) as Promise<CellResult>;

interface Listed {
  readonly messages: readonly { readonly id: string; readonly from: { readonly address: string } }[];
  readonly total: number;
}
const sendersOf = ({ result }: CellResult): string[] => (result as unknown as Listed).messages.map(({ from }) => from.address);

t.test('the cell keeps what was approved, whatever the gateway leaves out, adds or widens', async (t) => {
  const [held = '', whole = ''] = leases;
  const free = await cellOf(whole);
  const all = (await execute(free, 'list_messages', {})).result as unknown as Listed;
  t.equal(all.total, 3, 'negative control: a lease of everything');
  const cell = await cellOf(held);
  for (const more of [
    {},
    { constraints: {} },
    { constraints: { senders: ['grace@example.org', 'no-reply@bank.example'], since: '2000-01-01', maxResults: 99 } },
  ]) {
    const answer = await execute(cell, 'list_messages', { limit: 100 }, more);
    t.same(sendersOf(answer), ['grace@example.org'], JSON.stringify(more));
    t.equal((answer.result as unknown as Listed).total, 1, 'nor are the others counted');
  }
  t.equal(await refusalOf(execute(cell, 'count_unread', {})), 'CONSTRAINT', 'an operation that has no number of results to keep');
  for (const { id, from } of all.messages) {
    const isGrace = from.address === 'grace@example.org';
    t.equal(await refusalOf(execute(cell, 'get_message', { id })), isGrace ? null : 'NOT_FOUND', from.address);
  }
  t.same(sendersOf(await execute(cell, 'list_messages', {}, { constraints: { senders: ['no-reply@bank.example'] } })), []);
  t.equal(await refusalOf(execute(cell, 'list_messages', {}, { constraints: { colour: 'red' } })), 'CONSTRAINT');
  cell.close();
  free.close();
});
