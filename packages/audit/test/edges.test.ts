// The edges of the log's files: reasons without a name, lines that are none, places where another kind of thing stands, disks that say no.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { nodeFs, prunedIn, type LogFs } from '../src/index.js';
import { MAX_LINE_BYTES } from '../src/limits.js';
import { LineScanner } from '../src/line-scanner.js';
import { encodeLine } from '../src/record.js';
import { READ_FLAGS } from '../src/log-fs.js';
import { freeSpace, holdReserve } from '../src/reserve-file.js';
import { reasonOf } from '../src/sealing.js';
import { openFile } from '../src/trusted-files.js';

const directory = (t: { teardown(end: () => void): void }): string => {
  const dir = mkdtempSync(join(tmpdir(), 'edges-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const failing = (name: keyof LogFs, result: () => never): LogFs => ({ ...nodeFs, [name]: result });

const failure = (code: string) => (): never => {
  throw Object.assign(new Error(`it said ${code}`), { code });
};

t.test('every failure has a reason', async (t) => {
  t.equal(reasonOf(Object.assign(new Error('long'), { code: 'EIO' })), 'EIO');
  t.equal(reasonOf(new Error('in words')), 'in words');
  t.equal(reasonOf('thrown as text'), 'unknown');
});

t.test('what says nothing of a removed segment is none', async (t) => {
  const whole = { file: 'a', size: 3, hash: '0'.repeat(64) };
  t.same(prunedIn(Buffer.from(JSON.stringify(whole))), whole, 'negative control');
  for (const line of ['{', '{}', 'null', JSON.stringify({ ...whole, hash: 'x' }), JSON.stringify({ ...whole, size: 0.5 })])
    t.equal(prunedIn(Buffer.from(line)), null, line);
});

t.test('a line longer than any record is no record', async (t) => {
  const scanner = new LineScanner();
  const line = (bytes: number): Buffer => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`);
  t.equal(scanner.problem(line(MAX_LINE_BYTES), 0, MAX_LINE_BYTES), null, 'negative control');
  t.match(scanner.problem(line(MAX_LINE_BYTES + 1), 0, MAX_LINE_BYTES + 1), 'longer than any record');
});

t.test('AUDIT-1: fields of more names than are remembered are written as they are', async (t) => {
  const place = { seq: 1, ts: '2026-11-20T12:00:00.000Z', prev: '0'.repeat(64) };
  for (let n = 0; n < 2400; n += 1) {
    const fields = { [`name${n >> 1}`]: n, plain: 'text' };
    const { prev, ...front } = place;
    const expected = JSON.stringify({ ...front, event: 'operation', ...fields, prev });
    if (encodeLine(place, 'operation', fields) !== expected) t.fail(expected);
  }
  t.pass('1,200 names, each twice');
});

t.test('AUDIT-12: a directory in the place of a file is refused', async (t) => {
  const dir = directory(t);
  mkdirSync(join(dir, 'log'));
  writeFileSync(join(dir, 'file'), '', { mode: 0o600 });
  t.throws(() => openFile(nodeFs, join(dir, 'log'), READ_FLAGS), /is not what it should be/);
  t.doesNotThrow(() => nodeFs.close(openFile(nodeFs, join(dir, 'file'), READ_FLAGS)), 'negative control');
});

t.test('AUDIT-17: a reserve that cannot be held seals, and says why', async (t) => {
  const dir = directory(t);
  t.throws(() => holdReserve(failing('unlink', failure('EACCES')), dir, 4096), /EACCES/);
  t.throws(() => holdReserve({ ...nodeFs, write: () => 0 }, dir, 4096), /no space for the reserve/);
  t.throws(() => holdReserve(failing('write', failure('ENOSPC')), dir, 4096), /ENOSPC/);
  t.same(readdirSync(dir), [], 'and takes no space meanwhile');
  holdReserve(nodeFs, dir, 4096)();
  t.same(readdirSync(dir), [], 'negative control: held, then given back');
  t.equal(freeSpace(failing('freeBytes', failure('EIO')), dir), 0, 'not known is not enough');
});
