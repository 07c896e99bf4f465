/** Audit log: 64 durable writers against one fdatasync per record, and verification with duplicate keys detected. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openLog, verifyLog } from '@airlock/audit';
import { systemClock } from '@airlock/protocol';

const WRITERS = 64;
const APPENDS = 60_000;
const BASELINE_APPENDS = 2_000;
const VERIFY_RECORDS = 300_000;
const VERIFY_RUNS = 5;
/** A record as the gateway writes one for a call. */
const FIELDS = {
  role: 'default',
  session: 's-0123456789',
  lease: '0123456789abcdef0123',
  service: 'gmail',
  operation: 'list_messages',
  count: 10,
  result: 'ok',
};

const perSecond = (count: number, startMs: number): number => Math.round((count / (performance.now() - startMs)) * 1000);

/** One write and one fdatasync a record: what a log without group commit does. */
const baseline = (dir: string): number => {
  const line = Buffer.from(
    `${JSON.stringify({ seq: 1, ts: new Date().toISOString(), event: 'operation', ...FIELDS, prev: '0'.repeat(64) })}\n`,
  );
  const fd = openSync(join(dir, 'baseline'), 'a', 0o600);
  const start = performance.now();
  for (let n = 0; n < BASELINE_APPENDS; n += 1) {
    writeSync(fd, line);
    fdatasyncSync(fd);
  }
  const rate = perSecond(BASELINE_APPENDS, start);
  closeSync(fd);
  return rate;
};

const append = async (dir: string): Promise<{ appendPerS: number; p50Ms: number; p99Ms: number }> => {
  const log = openLog({ dir: join(dir, 'log'), clock: systemClock });
  if (log.sealed !== null) throw log.sealed;
  const latencies: number[] = [];
  let left = APPENDS;
  const writer = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      await log.appendDurable('operation', FIELDS);
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: WRITERS }, writer));
  const appendPerS = perSecond(APPENDS, start);
  for (let n = APPENDS; n < VERIFY_RECORDS; n += 1) log.append('operation', FIELDS);
  await log.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => Number((latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2));
  return { appendPerS, p50Ms: at(0.5), p99Ms: at(0.99) };
};

/** By the wall, and by the processor time this process had: on a busy machine the two part. */
const verify = async (dir: string): Promise<{ verifyPerS: number; verifyWorstPerS: number; verifyPerCpuS: number }> => {
  const rates: number[] = [];
  const before = process.cpuUsage();
  for (let n = 0; n < VERIFY_RUNS; n += 1) {
    const start = performance.now();
    const { ok, records } = await verifyLog({ dir: join(dir, 'log') });
    if (!ok || records !== VERIFY_RECORDS) throw new Error('the log that was just written does not verify');
    rates.push(perSecond(records, start));
  }
  const { user, system } = process.cpuUsage(before);
  const verifyPerCpuS = Math.round((VERIFY_RECORDS * VERIFY_RUNS) / ((user + system) / 1e6));
  rates.sort((a, b) => a - b);
  return { verifyPerS: rates[Math.floor(VERIFY_RUNS / 2)] ?? 0, verifyWorstPerS: rates[0] ?? 0, verifyPerCpuS };
};

/** `AIRLOCK_BENCH_DIR` names the disk to measure (default: the temporary directory's). */
export const run = async (): Promise<object> => {
  const dir = mkdtempSync(join(process.env['AIRLOCK_BENCH_DIR'] ?? tmpdir(), 'airlock-bench-audit-'));
  try {
    const baselinePerS = baseline(dir);
    const appended = await append(dir);
    const verified = await verify(dir);
    const reach = { appendPerS: 20_000, p99Ms: 10, verifyPerS: 300_000 };
    return { writers: WRITERS, ...appended, baselinePerS, ...verified, reach };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
