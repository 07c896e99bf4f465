/** SINK-3, SINK-9: what is read out of a log that was cut, replaced, or holds what is no record. */
import { serveSocket, type SocketServer } from '@airlock/ipc';
import { systemTimers, type LogSegment } from '@airlock/protocol';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Source, START, type LogRecord, type Position } from '../src/index.js';

const CHUNK = 100_000;
const log = new Map<string, Buffer>();
const dir = mkdtempSync(join(tmpdir(), 'airlock-source-'));
const path = join(dir, 's');
let server: SocketServer<null>;

const entry = (handle: (params: never) => unknown): object => ({ params: () => null, permitted: () => null, handle });
const start = async (): Promise<void> => {
  server = await serveSocket<null>({
    path,
    name: 'export',
    timers: systemTimers,
    open: () => null,
    table: {
      'log.segments': entry(() => ({ segments: [...log].map(([name, { length }]): LogSegment => ({ name, bytes: length })) })),
      'log.read': entry(({ segment, offset }: { segment: string; offset: number }) => ({
        data: (log.get(segment) ?? Buffer.alloc(0)).subarray(offset, offset + CHUNK).toString('base64url'),
        next: null,
      })),
    } as never,
  });
};
t.before(start);
t.teardown(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const line = (seq: number, more = ''): string =>
  `{"seq":${seq},"ts":"2026-11-20T12:00:00.000Z","event":"operation","role":"r${more}","prev":"00"}\n`;
const lines = (from: number, to: number, more = ''): Buffer =>
  Buffer.from(Array.from({ length: to - from + 1 }, (_, at) => line(from + at, more)).join(''));

/** All there is. */
const readAll = async (source: Source, from: Position): Promise<{ records: LogRecord[]; position: Position }> => {
  const records: LogRecord[] = [];
  let position = from;
  for (let batch = await source.next(position); batch !== null; batch = await source.next(position)) {
    records.push(...batch.records);
    position = { ...batch.next, traces: position.traces };
  }
  return { records, position };
};
const named = (records: readonly LogRecord[]): string[] =>
  records.map(({ seq, event }) => (event === 'operation' ? String(seq) : event));

/** The source notices at its next reading at the latest, as the runner's next try would. */
const restarted = async (source: Source): Promise<void> => {
  await server.close();
  await start();
  await source.next(START).catch(() => undefined);
  source.close();
};

t.test('lines that are none are passed over, and what was in them is missing as a gap', async (t) => {
  log.clear();
  log.set(
    '2026-11-20.jsonl',
    Buffer.concat([
      lines(1, 2),
      Buffer.from('{"seq":3,"ts":"x","event":"operation","prev":""}\n'),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('\n[]\nnull\n{"seq":1e999,"ts":"2026-11-20T12:00:00.000Z","event":"x"}\n'),
      lines(4, 5),
      Buffer.from(`{"seq":6,"x":"${'x'.repeat(300_000)}"}\n`),
      lines(7, 8),
      Buffer.from('{"seq":9,"ts":"2026'),
    ]),
  );
  const source = new Source(path);
  t.teardown(() => source.close());
  const { records, position } = await readAll(source, START);
  t.same(named(records), ['1', '2', 'export_gap', '4', '5', 'export_gap', '7', '8']);
  t.same(
    records.filter(({ event }) => event === 'export_gap').map(({ fields }) => fields),
    [
      { from: 3, to: 3 },
      { from: 6, to: 6 },
    ],
  );
  log.set(
    '2026-11-20.jsonl',
    Buffer.concat([
      log.get('2026-11-20.jsonl') ?? Buffer.alloc(0),
      Buffer.from('-11-20T12:00:00.000Z","event":"operation","prev":""}\n'),
    ]),
  );
  t.same(named((await readAll(source, position)).records), ['9'], 'half a line is waited for');
});

t.test('SINK-9: an older copy, a log begun anew and another history are told from their start', async (t) => {
  log.clear();
  log.set('2026-11-20.jsonl', lines(1, 50));
  const source = new Source(path);
  t.teardown(() => source.close());
  const { position } = await readAll(source, START);
  t.equal(position.seq, 50);
  await restarted(source);
  t.same((await readAll(source, position)).records, [], 'negative control: the same log is not told again');
  for (const [name, bytes] of Object.entries({
    older: lines(1, 30),
    anew: lines(1, 2, 'x'),
    'another, as long': lines(1, 50, 'x').subarray(0, 50 * line(1).length + 400),
    longer: lines(1, 400, 'y'),
  })) {
    log.set('2026-11-20.jsonl', bytes);
    await restarted(source);
    const { records, position: after } = await readAll(source, position);
    t.equal(records[0]?.seq, 1, name);
    t.same(named(records), [...new Set(named(records))], `${name}: once each`);
    t.not(after.last?.digest, undefined);
  }
  log.set('2026-11-20.jsonl', Buffer.alloc(0));
  await restarted(source);
  t.equal(await source.next(position), null, 'an empty one is waited for');
  log.set('2026-11-20.jsonl', lines(1, 60, 'z'));
  t.equal((await source.next(position))?.records[0]?.seq, 1, 'and then told from its start');
});
