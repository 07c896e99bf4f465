// Attack: bytes that are no message, on every socket, while somebody else works. WIRE-2 to WIRE-20, RELEASE-5.
import {
  addFixture,
  binaryFrame,
  daemonOf,
  isAlive,
  linesOf,
  obtainLease,
  openSession,
  pidsOf,
  rawExchange,
  refusalOf,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type RawAnswer,
  type Running,
} from '@airlock/testkit';
import t from 'tap';

let running: Running;
let agent: AgentSession;
let lease: string;
t.before(async () => {
  running = await startWithFixture({ cells: 3 });
  await addFixture(running);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read']));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
const request = (method: string, params: unknown = {}, id: unknown = 1): object => ({ jsonrpc: '2.0', id, method, params });

/** Park-Miller: the same mutations in every run. */
const generator = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
};

const MUTATIONS: readonly ((bytes: Buffer, pick: (below: number) => number) => Buffer)[] = [
  (bytes, pick) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(pick(256), pick(copy.length - 1));
    return copy;
  },
  (bytes, pick) => Buffer.concat([bytes.subarray(0, pick(bytes.length - 1)), Buffer.from('\n')]),
  (bytes, pick) => {
    const at = pick(bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([pick(256), pick(256), pick(256)]), bytes.subarray(at)]);
  },
  (bytes, pick) => {
    const at = pick(bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at + 1 + pick(8), bytes.length - 1))]);
  },
  (bytes, pick) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(pick(copy.length)) ^ (1 << pick(8)), pick(copy.length - 1));
    return copy;
  },
];

const mutants = (valid: readonly Buffer[], count: number, seed: number): Buffer[] => {
  const pick = generator(seed);
  return Array.from({ length: count }, (_, n) => {
    const bytes = valid[n % valid.length] ?? Buffer.alloc(2);
    const mutated = MUTATIONS[n % MUTATIONS.length]?.(bytes, pick) ?? bytes;
    return mutated.at(-1) === 0x0a ? mutated : Buffer.concat([mutated, Buffer.from('\n')]);
  });
};

/** No message by any reading of wire.md. */
const malformed = (method: string): Buffer[] => [
  ...['', ' ', 'hello', '{', '}', '[]', '""', 'null', '1', 'true', '{}', '[{}]', '{"jsonrpc":"2.0"}', '\u0000', '{"a":'].map(
    (text) => Buffer.from(`${text}\n`),
  ),
  ...[
    { jsonrpc: '1.0', id: 1, method, params: {} },
    { id: 1, method, params: {} },
    { jsonrpc: '2.0', id: null, method, params: {} },
    { jsonrpc: '2.0', id: 1.5, method, params: {} },
    { jsonrpc: '2.0', id: {}, method, params: {} },
    { jsonrpc: '2.0', id: 'x'.repeat(65), method, params: {} },
    { jsonrpc: '2.0', id: 1, method: 7, params: {} },
    { jsonrpc: '2.0', id: 1, method: '', params: {} },
    { jsonrpc: '2.0', id: 1, method: '__proto__', params: {} },
    { jsonrpc: '2.0', id: 1, method: 'constructor', params: {} },
    { jsonrpc: '2.0', id: 1, method, params: [] },
    { jsonrpc: '2.0', id: 1, method, params: 'x' },
    { jsonrpc: '2.0', id: 1, method, params: {}, extra: 1 },
    { jsonrpc: '2.0', method, params: {} },
    { jsonrpc: '2.0', id: 99, result: {} },
    { jsonrpc: '2.0', id: 99, error: { code: 1, message: 'x' } },
    [request(method), request(method)],
  ].map(line),
  line(request('no.such.method')),
  line(request(method, { nosuch: 1 })),
  line(request(method, { deep: '['.repeat(2) })),
  Buffer.from(`{"jsonrpc":"2.0","id":1,"id":2,"method":"${method}","params":{}}\n`),
  Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"__proto__":{}}}\n`),
  Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"a":1e999}}\n`),
  Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"a":"\\ud800"}}\n`),
  Buffer.from(`${'['.repeat(100_000)}\n`),
  Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"a":${'[['.repeat(20)}${']]'.repeat(20)}}}\n`),
  Buffer.concat([
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"a":"`),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"}}\n'),
  ]),
  Buffer.alloc(1_100_000, 0x20),
  Buffer.concat([Buffer.alloc(1_048_577, 0x61), Buffer.from('\n')]),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 0x1f].map((type) => binaryFrame(type, Buffer.alloc(type * 7, type))),
  Buffer.from([4, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([4, 0, 0, 0]),
];

interface Target {
  readonly socket: string;
  readonly daemon: 'airlock-totp' | 'airlock-gateway';
  readonly method: string;
  readonly valid: readonly Buffer[];
}

const HELLO = request('hello', { client: 'x', protocol: 1 });
const TARGETS: readonly Target[] = [
  {
    ...{ socket: 'agent/default', daemon: 'airlock-gateway', method: 'access.status' },
    valid: [line(HELLO), line(request('call', { lease: 'al1.a.b', service: 'fixture', operation: 'echo', params: {} }))],
  },
  {
    socket: 'operator/default',
    daemon: 'airlock-gateway',
    method: 'service.list',
    valid: [line(HELLO), line(request('audit.query', { last: 5 }))],
  },
  {
    ...{ socket: 'approve/default', daemon: 'airlock-totp', method: 'leases' },
    valid: [
      line(request('request.deny', { request: 'r-aaaaaaaaaa' })),
      line(request('log.read', { segment: '2026-11-20.jsonl', offset: 0 })),
    ],
  },
  {
    ...{ socket: 'export', daemon: 'airlock-gateway', method: 'log.segments' },
    valid: [line(request('log.segments')), line(request('log.read', { segment: '2026-11-20.jsonl', offset: 0 }))],
  },
  {
    socket: 'root',
    daemon: 'airlock-totp',
    method: 'status',
    valid: [line(request('status', { operator: 'default' })), line(request('keys'))],
  },
];

const attack = (path: string, bytes: Buffer): Promise<RawAnswer> => rawExchange(path, bytes, { end: true });

/** An answer with a code of the table, an answer to what was valid after all, or the end. */
const isClear = (answer: RawAnswer): boolean => {
  if (answer.bytes.length === 0) return answer.closed;
  if ((answer.bytes[0] ?? 0) < 0x20) return true;
  return linesOf(answer).every((one) => one.error === undefined || /^[A-Z_]+$/.test(one.error.data.code));
};

const goesOn = (): Promise<string | null> =>
  refusalOf(agent.call('call', { lease, service: 'fixture', operation: 'echo', params: { text: 'x' } }));

for (const { socket, daemon, method, valid } of TARGETS) {
  t.test(`${socket}: every frame is answered clearly or ends its connection, nobody else notices`, async (t) => {
    const path = running.sockets[socket] ?? '';
    const pid = await daemonOf(running, daemon);
    const good = await attack(path, valid[0] ?? Buffer.alloc(0));
    t.ok(linesOf(good).length === 1, 'negative control: the valid frame is answered');
    const frames = [...malformed(method), ...mutants(valid, 80, 20_261_120)];
    t.ok(frames.length >= 100, String(frames.length));
    for (let at = 0; at < frames.length; at += 16) {
      const answers = await Promise.all(frames.slice(at, at + 16).map((bytes) => attack(path, bytes)));
      const unclear = answers.findIndex((answer) => !isClear(answer));
      t.equal(
        unclear,
        -1,
        unclear < 0
          ? 'every answer is clear'
          : `${frames[at + unclear]?.toString('latin1').slice(0, 120) ?? ''} → ${answers[unclear]?.bytes.toString('latin1').slice(0, 200) ?? ''}`,
      );
      t.equal(await goesOn(), null, 'another client’s call');
    }
    t.equal(await daemonOf(running, daemon), pid, 'the same process');
  });
}

t.test('bridge.sock and release.sock: the same', async (t) => {
  const pid = running.pids.totp;
  for (const [socket, frames] of [
    ['bridge', [...malformed('heartbeat'), ...mutants([line(request('hello', { protocol: 1 }))], 60, 7)]],
    ['release', [...malformed('hello'), ...mutants([binaryFrame(1, Buffer.alloc(90, 3))], 80, 11)]],
  ] as const) {
    t.ok(frames.length >= 100, String(frames.length));
    for (const bytes of frames) {
      const answer = await rawExchange(running.sockets[socket] ?? '', bytes, { end: true, timeoutMs: 300 });
      if (socket === 'bridge' && !isClear(answer)) t.fail(answer.bytes.toString('latin1').slice(0, 200));
      if (socket === 'release') t.not(answer.bytes[0], 2, 'no grant');
    }
    t.ok(isAlive(pid) && (await daemonOf(running, 'airlock-totp')) === pid, socket);
  }
  await untilServing(running);
  await until('service', async () => (await goesOn()) === null);
});

t.test('a cell: whatever it is sent, its slot serves the next lease', async (t) => {
  const slots = [0, 1, 2].map((slot) => `${running.env['AIRLOCK_RUNTIME_DIR'] ?? ''}/cell/${slot}.sock`);
  const frames = [
    ...malformed('open').slice(0, 50),
    ...mutants([line(request('execute', { operation: 'echo', params: {} }))], 50, 3),
  ];
  t.ok(frames.length >= 100);
  // The slot that holds our lease's cell is busy; connections to it wait for the next instance and end there.
  const free = slots[2] ?? '';
  for (let at = 0; at < frames.length; at += 10) {
    // One connection carries many: what cannot be parsed ends it, and the cell with it (CELL-1).
    const answer = await rawExchange(free, Buffer.concat(frames.slice(at, at + 10)), { end: true, timeoutMs: 2000 });
    t.ok(isClear({ ...answer, bytes: answer.bytes.subarray(0, answer.bytes.lastIndexOf(0x0a) + 1) }));
    t.equal(await goesOn(), null, 'the lease’s own cell goes on');
  }
  await until('cells on every slot', () => pidsOf(running, 'airlock-cell').filter(isAlive).length === 3);
});
