// Attack: whoever writes the gateway's disk makes a credential go to another place, or an old one come back.
// VAULT-6, VAULT-7, RELEASE-4, RELEASE-7, CELL-8.
import {
  addFixture,
  obtainLease,
  openSession,
  restartWith,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import t from 'tap';

interface Entry {
  service: string;
  settings: Record<string, unknown>;
  destination: { origins: { port: number; host: string }[]; user: string; kind: string };
  record: { header: string; wrapped: string; body: string };
}

/** Where credentials may go, and where the attacker listens; both count who comes. */
interface Listener {
  readonly server: Server;
  readonly port: number;
  count: number;
}

const listen = (): Promise<Listener> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      listener.count += 1;
      socket.on('error', () => undefined);
    });
    const listener: Listener = { server, port: 0, count: 0 };
    server.listen(0, '127.0.0.1', () => resolve(Object.assign(listener, { port: (server.address() as AddressInfo).port })));
  });

let running: Running;
let agent: AgentSession;
let lease: string;
let honest: Listener;
let other: Listener;
let attacker: Listener;
const original: Record<string, string> = {};

const file = (service: string): string =>
  join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default', `${service}.json`);
const entryOf = (service: string): Entry => JSON.parse(readFileSync(file(service), 'utf8')) as Entry;

t.before(async () => {
  running = await startWithFixture();
  [honest, other, attacker] = [await listen(), await listen(), await listen()];
  await addFixture(running, { name: 'first', token: 'token-of-first', port: honest.port, dial: true });
  original['first-version-1'] = readFileSync(file('first'), 'utf8');
  const again = await running.command('airlock-ctl', ['credentials', 'add', 'first', '--stdin', '--json'], {
    stdin: `newer-token-of-first\n${running.freshCode()}\n`,
  });
  if (again.status !== 0) throw new Error(again.stdout);
  await addFixture(running, { name: 'second', token: 'token-of-second', port: other.port, dial: true });
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['first:read', 'second:read']));
  for (const service of ['first', 'second']) original[service] = readFileSync(file(service), 'utf8');
});
t.teardown(async () => {
  agent.close();
  await running.stop();
  for (const { server } of [honest, other, attacker]) server.close();
});

const call = async (service: string): Promise<string> => {
  try {
    await agent.call<CallResult>('call', { lease, service, operation: 'echo', params: { text: 'x' } });
    return 'served';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

/** The gateway with another disk. The agent comes back to its session, as the client library does. */
const restartOn = async (change: () => void): Promise<void> => {
  const { resume } = agent.hello;
  agent.close();
  await restartWith(running, 'airlock-gateway', () => {
    for (const service of ['first', 'second']) writeFileSync(file(service), original[service] ?? '');
    change();
  });
  agent = await openSession(running, { resume });
};

const rewrite = (service: string, change: (entry: Entry) => Entry): void =>
  writeFileSync(file(service), JSON.stringify(change(entryOf(service))));

const counts = (): number[] => [honest.count, other.count, attacker.count];

/** The attack must be refused and nobody called; `code` where the service is not even listed. */
const ATTACKS: Readonly<Record<string, { change: () => void; code?: string }>> = {
  'the records of two services are swapped': {
    change: () => {
      const [first, second] = [entryOf('first'), entryOf('second')];
      rewrite('first', (entry) => ({ ...entry, record: second.record }));
      rewrite('second', (entry) => ({ ...entry, record: first.record }));
    },
  },
  'record and destination of the other service': {
    change: () => {
      const { record, destination, settings } = entryOf('second');
      rewrite('first', (entry) => ({ ...entry, record, destination, settings }));
    },
  },
  'the older record comes back': { change: () => writeFileSync(file('first'), original['first-version-1'] ?? '') },
  'the destination names the attacker': {
    change: () =>
      rewrite('first', (entry) => ({
        ...entry,
        destination: { ...entry.destination, origins: entry.destination.origins.map((one) => ({ ...one, port: attacker.port })) },
      })),
  },
  'the settings name the attacker': {
    change: () => rewrite('first', (entry) => ({ ...entry, settings: { ...entry.settings, port: attacker.port } })),
  },
  'settings and destination name the attacker': {
    change: () =>
      rewrite('first', (entry) => ({
        ...entry,
        settings: { ...entry.settings, port: attacker.port },
        destination: { ...entry.destination, origins: entry.destination.origins.map((one) => ({ ...one, port: attacker.port })) },
      })),
  },
  'the digest in the header is that of the attacker': {
    change: () =>
      rewrite('first', (entry) => {
        const header = JSON.parse(Buffer.from(entry.record.header, 'base64url').toString()) as Record<string, unknown>;
        const text = JSON.stringify({ ...header, destination: 'a'.repeat(64) });
        return { ...entry, record: { ...entry.record, header: Buffer.from(text).toString('base64url') } };
      }),
  },
  'body and key of different versions are mixed': {
    change: () => {
      const old = JSON.parse(original['first-version-1'] ?? '') as Entry;
      rewrite('first', (entry) => ({ ...entry, record: { ...entry.record, body: old.record.body } }));
    },
  },
  'one byte of the ciphertext is turned': {
    change: () =>
      rewrite('first', (entry) => {
        const body = Buffer.from(entry.record.body, 'base64url');
        body.writeUInt8(body.readUInt8(20) ^ 1, 20);
        return { ...entry, record: { ...entry.record, body: body.toString('base64url') } };
      }),
  },
  'the file is named like the other service': {
    change: () => writeFileSync(file('first'), original['second'] ?? ''),
    code: 'SERVICE_UNKNOWN',
  },
};

t.test('negative control: with the disk as it was, the service is reached', async (t) => {
  await restartOn(() => undefined);
  const before = counts();
  t.equal(await call('first'), 'served');
  await until('the connection', () => honest.count === (before[0] ?? 0) + 1);
  t.same(counts().slice(1), before.slice(1));
});

for (const [name, { change, code = 'VAULT_UNREADABLE' }] of Object.entries(ATTACKS)) {
  t.test(`${name}: ${code}, and nobody is called`, async (t) => {
    await restartOn(change);
    const before = counts();
    t.equal(await call('first'), code);
    t.same(counts(), before);
  });
}

t.test('with the disk as it was, all is served again', async (t) => {
  await restartOn(() => undefined);
  t.equal(await call('first'), 'served');
  t.equal(await call('second'), 'served');
  t.equal(attacker.count, 0, 'nobody ever called the attacker');
});
