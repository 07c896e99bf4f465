/** A gateway between a scripted airlock-totp and scripted cells, under one directory. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectSocket, type Connection } from '@airlock/ipc';
import {
  AirlockError,
  DEFAULT_CONFIG,
  canonicalJson,
  destinationDigest,
  encodeBase64url,
  type CompiledConfig,
  type ConnectorManifest,
  type Destination,
  type GatewayStatus,
  type HelloResult,
  type SealedRecordText,
} from '@airlock/protocol';
import { ManualTimers } from '@airlock/protocol/dev';
import { runGateway, type Gateway } from '../../src/index.js';
import { FakeCells } from './fake-cells.js';
import { BOOT_ID, FakeTotp } from './fake-totp.js';
import { ManualClock } from './time.js';

const operation = (name: string, scopeClass: 'read' | 'write', untrusted = false): ConnectorManifest['operations'][number] => ({
  name,
  class: scopeClass,
  outward: false,
  untrusted,
  summary: `The operation ${name}`,
  params: { type: 'object', properties: { query: { type: 'string' } } },
  result: { type: 'object' },
});

export const MANIFEST: ConnectorManifest = {
  connector: 1,
  kind: 'fake',
  title: 'Fake mail',
  module: 'fake',
  summary: 'A kind for tests',
  settings: { type: 'object', additionalProperties: false, properties: {} },
  credential: { fields: { password: { title: 'Password' } } },
  destination: { origins: ['https://fake.example:443'], user: 'ada' },
  operations: [
    { ...operation('search', 'read'), constraints: ['folders', 'maxResults'] },
    operation('get', 'read', true),
    operation('send', 'write'),
  ],
};

export const DESTINATION: Destination = {
  kind: 'fake',
  origins: [{ scheme: 'https', host: 'fake.example', port: 443 }],
  user: 'ada',
};

/** Ciphertext as far as the gateway can tell. */
export const sealed = (service: string, version = 1, change: { owner?: string; destination?: string } = {}): SealedRecordText => {
  const header = {
    v: 1,
    vault: 'v',
    owner: 'default',
    service,
    record: 'rec',
    version,
    epoch: 0,
    destination: destinationDigest(DESTINATION),
    ...change,
  };
  return {
    header: encodeBase64url(Buffer.from(canonicalJson(header))),
    wrapped: encodeBase64url(Buffer.alloc(60, 2)),
    body: encodeBase64url(Buffer.alloc(40, 3)),
  };
};

export const entry = (service: string, version = 1): string =>
  JSON.stringify({
    v: 1,
    service,
    kind: 'fake',
    settings: {},
    destination: DESTINATION,
    fields: ['password'],
    updatedAt: '2026-01-01T00:00:00.000Z',
    record: sealed(service, version),
  });

export interface WorldOptions {
  readonly config?: Partial<CompiledConfig>;
  readonly rawConfig?: string;
  readonly services?: readonly string[];
  readonly slots?: number;
  /** Called before the gateway starts. */
  readonly prepare?: (world: World) => void;
  /** Beside those of the roles and the operator. */
  readonly sockets?: readonly string[];
  /** No airlock-totp at first. */
  readonly withoutTotp?: boolean;
}

export class Client {
  readonly connection: Connection;
  readonly notes: { method: string; params: Record<string, unknown> }[];
  hello: HelloResult | null = null;

  constructor(connection: Connection, notes: Client['notes']) {
    this.connection = connection;
    this.notes = notes;
  }

  call<T = Record<string, unknown>>(method: string, params: object = {}): Promise<T> {
    return this.connection.call(method, params) as Promise<T>;
  }

  get session(): string {
    return this.hello?.session ?? '';
  }

  noted(method: string): Record<string, unknown>[] {
    return this.notes.filter((note) => note.method === method).map(({ params }) => params);
  }
}

const NOTIFICATIONS = [
  'call.event',
  'service.event',
  'access.decided',
  'lease.expiring',
  'lease.ended',
  'services.changed',
  'audit.record',
];

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class World {
  readonly dir = mkdtempSync(join(tmpdir(), 'gw-'));
  readonly clock = new ManualClock();
  timers = new ManualTimers();
  readonly totp = new FakeTotp(this.clock);
  readonly cells = new FakeCells();
  readonly logs: string[] = [];
  /** How often it asked to be started again. */
  restarts = 0;
  readonly clients: Connection[] = [];
  gateway: Gateway | null = null;
  run = 0;
  slots = 4;
  sockets: readonly string[] = [];

  get stateDir(): string {
    return join(this.dir, 'state');
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  socket(name: string): string {
    return join(this.dir, `${name.replace('/', '-')}.${this.run}`);
  }

  /** Starts the gateway, or starts it again over what the last one left. */
  async start(): Promise<void> {
    this.run += 1;
    this.timers = new ManualTimers();
    const names = ['agent/default', 'agent/other', 'agent/ghost', 'operator/default', ...this.sockets];
    this.gateway = await runGateway({
      clock: this.clock,
      timers: this.timers,
      sockets: new Map(names.map((name) => [name, { path: this.socket(name) }])),
      runtimeDir: this.dir,
      stateDir: this.stateDir,
      configDir: this.dir,
      connectorDirs: [this.path('connectors')],
      cellSlots: this.slots,
      bootId: BOOT_ID,
      log: (message) => void this.logs.push(message),
      restart: () => void (this.restarts += 1),
    });
  }

  async restart(): Promise<void> {
    await this.gateway?.close();
    await this.start();
  }

  async connect(socket: string): Promise<Client> {
    const notes: Client['notes'] = [];
    const handler = (method: string) => ({
      params: () => null,
      handle: (params: object) => void notes.push({ method, params: params as Record<string, unknown> }),
    });
    const connection = await connectSocket(this.socket(socket), {
      notifications: Object.fromEntries(NOTIFICATIONS.map((name) => [name, handler(name)])),
    });
    this.clients.push(connection);
    return new Client(connection, notes);
  }

  async agent(role = 'default', resume?: string): Promise<Client> {
    const client = await this.connect(`agent/${role}`);
    client.hello = await client.call<HelloResult>('hello', {
      client: 'test',
      protocol: 1,
      ...(resume === undefined ? {} : { resume }),
    });
    return client;
  }

  operator(): Promise<Client> {
    return this.connect('operator/default');
  }

  /** Waits, without a clock, until it holds; fails after very many turns of the loop. */
  async until(holds: () => boolean, what = 'something'): Promise<void> {
    for (let turns = 0; turns < 20_000; turns += 1) {
      if (holds()) return;
      await turn();
    }
    throw new Error(`${what} did not happen`);
  }

  /** Lets what is under way arrive. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 40; turns += 1) await turn();
  }

  /** Moves all clocks in steps, what is on its way arriving between. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.advance(Math.min(left, 100));
      this.timers.advance(Math.min(left, 100));
      await this.settle();
    }
  }

  /** Moves time until it holds: for what waits for a disk. */
  async advanceUntil(holds: () => boolean): Promise<void> {
    for (let steps = 0; steps < 500; steps += 1) {
      if (holds()) return;
      await this.advance(100);
    }
    throw new Error('it did not happen in time');
  }

  /** Until airlock-totp was heard of. */
  async up(): Promise<void> {
    const operator = await this.operator();
    for (let tries = 0; tries < 200; tries += 1) {
      const { heartbeatAgeMs } = await operator.call<GatewayStatus>('status');
      if (heartbeatAgeMs !== null) return;
      await this.advance(100);
    }
    throw new Error('the bridge did not come up');
  }

  records(): Record<string, unknown>[] {
    const dir = join(this.stateDir, 'audit');
    const lines = readdirSync(dir)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()
      .flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'));
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  events(event: string): Record<string, unknown>[] {
    return this.records().filter((record) => record['event'] === event);
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.gateway?.close();
    await this.totp.close();
    await this.cells.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const CONFIG: CompiledConfig = { ...DEFAULT_CONFIG, roles: { default: { operator: 'default' }, other: { operator: 'default' } } };

/** Starts everything; the caller stops it. */
export const startWorld = async (options: WorldOptions = {}): Promise<World> => {
  const world = new World();
  world.slots = options.slots ?? 4;
  world.sockets = options.sockets ?? [];
  mkdirSync(world.path('compiled'));
  mkdirSync(world.path('connectors'));
  writeFileSync(world.path('compiled/config.json'), options.rawConfig ?? JSON.stringify({ ...CONFIG, ...options.config }));
  writeFileSync(world.path('connectors/fake.json'), JSON.stringify(MANIFEST));
  mkdirSync(join(world.stateDir, 'vault/default'), { recursive: true, mode: 0o700 });
  for (const service of options.services ?? ['mail'])
    writeFileSync(join(world.stateDir, `vault/default/${service}.json`), entry(service), { mode: 0o600 });
  options.prepare?.(world);
  if (options.withoutTotp !== true) await world.totp.listen(world.path('bridge.sock'));
  await world.cells.listen(world.dir, world.slots);
  await world.start();
  if (options.withoutTotp !== true) await world.up();
  return world;
};

/** The code of a refusal; fails where there was none. */
export const refusalOf = async (call: Promise<unknown>): Promise<AirlockError> => {
  try {
    await call;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown;
    throw thrown;
  }
  throw new Error('it was not refused');
};
