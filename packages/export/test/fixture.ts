/** A log in memory and a runner over it, for receivers of any kind. */
import { systemTimers, type SinkConfig, type Timers } from '@airlock/protocol';
import { openSink, Runner, START, type Batch, type LogRecord, type Position, type Sink } from '../src/index.js';

/** A batch is small, so that a test has several. */
const BATCH = 40;

export const recordOf = (seq: number, fields: LogRecord['fields'] = {}): LogRecord => ({
  seq,
  ts: new Date(Date.UTC(2026, 10, 20, 12) + seq).toISOString(),
  event: 'operation',
  fields: { role: 'default', service: 'mail', operation: 'search', result: 'ok', ...fields },
});

export interface Telling {
  readonly log: LogRecord[];
  readonly said: string[];
  position: Position;
  /** Adds `count` records. */
  add(count: number, fields?: LogRecord['fields']): void;
  /** Drops what was not on disk, as kill -9 does, and goes on from what was. */
  kill(): void;
  stop(): void;
}

/** Tells a growing log to a receiver. @param speed how many times faster than the clock the waits are */
export const tell = (config: Partial<SinkConfig> & Pick<SinkConfig, 'to'>, speed = 1): Telling => {
  const timers: Timers = {
    nowMs: () => systemTimers.nowMs() * speed,
    after: (ms, run) => systemTimers.after(ms / speed, run),
  };
  const log: LogRecord[] = [];
  const said: string[] = [];
  const source = {
    next: async ({ seq }: Position): Promise<Batch | null> => {
      const records = log.slice(seq, seq + BATCH);
      const last = records.at(-1);
      return last === undefined ? null : { records, next: { segment: 'x', offset: last.seq, seq: last.seq } };
    },
    close: () => undefined,
  };
  const begin = (): Runner => {
    const sink: Sink = openSink(
      {
        name: 'x',
        fields: ['role', 'service', 'operation', 'result', 'reason', 'lease', 'request', 'of'],
        traces: false,
        ...config,
      },
      (message) => void said.push(message),
    );
    const runner = new Runner({
      ...{ name: 'x', source, sink, timers, random: () => 0 },
      read: () => telling.position,
      write: (position) => (telling.position = position),
      report: (message) => void said.push(message),
    });
    void runner.run();
    return runner;
  };
  const telling: Telling = {
    log,
    said,
    position: START,
    add: (count, fields = {}) => {
      for (let n = 0; n < count; n += 1) log.push(recordOf(log.length + 1, fields));
    },
    kill: () => {
      runner.stop();
      runner = begin();
    },
    stop: () => runner.stop(),
  };
  let runner = begin();
  return telling;
};

/** Each number where it came first. */
export const firsts = (seqs: readonly number[]): number[] => [...new Set(seqs)];
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);
