/** The journal of the gateway: what is admitted, folded, signed, found, followed and removed by age. */
import { parseRecord, generateHeadKey, openLog, parsePrivateKey, signHead, type AuditLog } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Follower } from '../src/journal/follow.js';
import { Heads, type HeadSignClaim } from '../src/journal/heads.js';
import { Journal } from '../src/journal/journal.js';
import { queryLog } from '../src/journal/query.js';
import { Retention } from '../src/journal/retention.js';
import { linesFrom, readChunk } from '../src/journal/segments.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { ManualClock } from './support/time.js';

const DAY_MS = 86_400_000;

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

interface Ending {
  teardown(end: () => unknown): void;
}

const folder = (t: Ending): string => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-journal-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
};
const open = (t: Ending, dir: string, clock: ManualClock): AuditLog => {
  const log = openLog({ dir, clock, origin: 'airlock-gateway', reserveBytes: 0 });
  t.teardown(() => log.close());
  return log;
};
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.code : String(thrown);
  }
};

/** A log that keeps what it is given, fails where told to, and is as full as told. */
class FakeLog {
  readonly written: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  sealed: AirlockError | null = null;
  isFull = false;
  isFailing = false;
  readonly close = (): Promise<void> => Promise.resolve();
  readonly hasRoom = (): boolean => !this.isFull;
  readonly append = (event: string, fields: Readonly<Record<string, unknown>>): number => {
    if (this.isFailing) throw new AirlockError('AUDIT_UNAVAILABLE', 'the disk failed');
    return this.written.push({ event, fields });
  };
}
const journalOver = (log: FakeLog, clock = new ManualClock()): Journal => new Journal(log as unknown as AuditLog, clock);

t.test('no record, no action: a sealed log, a full disk and a spent quota each refuse a call', async (t) => {
  const log = new FakeLog();
  const journal = journalOver(log);
  journal.admit('default', GATEWAY_LIMITS.roleLogBurstBytes);
  t.match(
    codeOf(() => journal.admit('default', 1000)),
    'RATE_LIMITED',
  );
  t.equal(
    codeOf(() => journal.admit('other', 1000)),
    'none',
    'JOURNAL-4: another role has its own',
  );
  log.isFull = true;
  t.equal(
    codeOf(() => journal.admit('other', 1000)),
    'none',
    'until it is looked at',
  );
  journal.checkRoom();
  t.equal(
    codeOf(() => journal.admit('other', 1000)),
    'AUDIT_UNAVAILABLE',
  );
  log.isFull = false;
  journal.checkRoom();
  log.sealed = new AirlockError('AUDIT_UNAVAILABLE', 'sealed');
  t.equal(
    codeOf(() => journal.admit('other', 1000)),
    'AUDIT_UNAVAILABLE',
  );
});

t.test('JOURNAL-4: refusals of a second are one record with their number, whoever comes first after it', async (t) => {
  const [log, clock] = [new FakeLog(), new ManualClock()];
  const journal = journalOver(log, clock);
  const refuse = (): number | undefined => journal.refused('default', 'LEASE_SCOPE', { service: 'mail' });
  t.equal(refuse(), 1);
  t.equal(refuse(), undefined, 'folded');
  clock.advance(2000);
  t.equal(refuse(), 2);
  t.same(log.written.at(-1)?.fields, { role: 'default', code: 'LEASE_SCOPE', count: 2 });
});

t.test('JOURNAL-2: a refusal that cannot be recorded is a refusal', async (t) => {
  const log = new FakeLog();
  const journal = journalOver(log);
  log.isFailing = true;
  t.equal(journal.refused('default', 'LEASE_SCOPE', {}), undefined);
  log.isFailing = false;
  t.equal(journal.refused('default', 'LEASE_BUDGET', {}), 1, 'negative control');
});

t.test('JOURNAL-4: what is still folded is written when the journal closes', async (t) => {
  const log = new FakeLog();
  const journal = journalOver(log);
  for (let n = 0; n < 3; n += 1) journal.violation('default', 'FRAME_INVALID', { socket: 'agent/default' });
  for (let n = 0; n < 3; n += 1) journal.refused('default', 'LEASE_SCOPE', {});
  t.equal(log.written.length, 2, 'the first of each');
  await journal.close();
  t.match(log.written.slice(2), [
    { event: 'protocol_violation', fields: { code: 'FRAME_INVALID', count: 2 } },
    { event: 'operation_refused', fields: { code: 'LEASE_SCOPE', count: 2 } },
  ]);
});

const signer = parsePrivateKey(generateHeadKey('airlock-gateway').privateKey);

/** Signs whatever is claimed; the hash of a head that is not the last is made up. */
class FakeSigner {
  readonly claims: HeadSignClaim[] = [];
  readonly sign = (claim: HeadSignClaim): Promise<{ readonly head: string }> => {
    this.claims.push(claim);
    return Promise.resolve({ head: headOf(claim.size, claim.hash) });
  };
}
const headOf = (size: number, hash = '00'.repeat(32)): string => signHead(signer, 'airlock-gateway', { size, hash });

t.test('HEADS-3: a long log is offered in portions, and its hash with the last alone', async (t) => {
  const [log, totp] = [open(t, folder(t), new ManualClock()), new FakeSigner()];
  const { maxDigestsPerHead } = GATEWAY_LIMITS;
  for (let n = 0; n < maxDigestsPerHead + 10; n += 1) log.append('started', {});
  await new Heads(log, totp.sign).checkpoint();
  t.same(
    totp.claims.map(({ size, digests, hash }) => [size, digests.length, hash === undefined]),
    [
      [maxDigestsPerHead, maxDigestsPerHead, true],
      [maxDigestsPerHead + 10, 10, false],
    ],
  );
});

t.test('a head over all there is needs no other, and one of another history is told', async (t) => {
  const [log, totp] = [open(t, folder(t), new ManualClock()), new FakeSigner()];
  log.appendDurableSync('started', {});
  const { size, hash } = log.durableHead();
  const heads = new Heads(log, totp.sign);
  const signed = headOf(size, hash);
  heads.resume(signed);
  t.equal(heads.isDue, false);
  t.equal(await heads.checkpoint(), signed);
  t.equal(totp.claims.length, 0, 'nobody was asked');
  heads.resume(headOf(size, '11'.repeat(32)));
  t.equal(heads.isDue, true, 'as long, and not that');
  await heads.checkpoint();
  t.match(totp.claims, [{ size, hash }]);
});

t.test(
  'HEADS-2: airlock-totp that lost its newest head is given it again, though only a checkpoint was written since',
  async (t) => {
    const [log, totp] = [open(t, folder(t), new ManualClock()), new FakeSigner()];
    for (let n = 0; n < 3; n += 1) log.appendDurableSync('started', {});
    const heads = new Heads(log, totp.sign);
    const head = await heads.checkpoint();
    await log.flush();
    t.equal(heads.isDue, false, 'a checkpoint calls for no other');
    heads.resume(head);
    t.equal(heads.isDue, false, 'nor where it is known');
    heads.resume(null);
    t.equal(heads.isDue, true);
  },
);

t.test('BRIDGE-9, HEADS-6: where no answer came, nothing is offered until airlock-totp says what it signed', async (t) => {
  const [log, totp] = [open(t, folder(t), new ManualClock()), new FakeSigner()];
  log.appendDurableSync('started', {});
  let [isLate, resyncs, signed] = [true, 0, ''];
  const sign = async (claim: HeadSignClaim): Promise<{ readonly head: string }> => {
    const answer = await totp.sign(claim);
    signed = answer.head;
    if (isLate) throw new AirlockError('UNAVAILABLE', 'no answer to head.sign in time');
    return answer;
  };
  const heads = new Heads(log, sign, () => (resyncs += 1));
  await t.rejects(heads.checkpoint(), { code: 'UNAVAILABLE' });
  t.equal(resyncs, 1, 'another hello is asked for');
  t.equal(heads.isDue, false);
  await t.rejects(heads.checkpoint(), { code: 'UNAVAILABLE' });
  t.equal(totp.claims.length, 1, 'offered once');
  isLate = false;
  heads.resume(signed);
  t.equal(await heads.checkpoint(), signed, 'it was signed all the same');
  log.appendDurableSync('started', {});
  await heads.checkpoint();
  t.match(totp.claims, [{ size: 1 }, { size: 2, digests: { length: 1 } }], 'and goes on from there');
});

t.test('HEADS-7: records that are gone are not skipped: nothing is signed, and it is said', async (t) => {
  const [dir, totp, clock] = [folder(t), new FakeSigner(), new ManualClock()];
  const first = open(t, dir, clock);
  first.appendDurableSync('started', {});
  first.appendDurableSync('started', {});
  const [removed = ''] = readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
  clock.advance(DAY_MS);
  first.appendDurableSync('started', {});
  const durableHead = first.durableHead();
  await first.close();
  rmSync(join(dir, removed));
  const log = openLog({ dir, clock, durableHead, reserveBytes: 0 });
  t.teardown(() => log.close());
  log.appendDurableSync('started', {});
  const heads = new Heads(log, totp.sign);
  heads.resume(headOf(1));
  await t.rejects(heads.checkpoint(), { code: 'AUDIT_UNAVAILABLE', message: /after record 1.*record 2 is no longer there/ });
  t.match(heads.problem, { code: 'AUDIT_UNAVAILABLE' });
  t.same(totp.claims, []);
  heads.resume(headOf(2));
  t.equal(heads.problem, null);
  await heads.checkpoint();
  t.match(totp.claims, [{ size: 4, digests: { length: 2 } }], 'negative control: what is there');
});

t.test('ACCEPT-8: what is about to be set aside is not signed, whoever asks', async (t) => {
  const [log, totp] = [open(t, folder(t), new ManualClock()), new FakeSigner()];
  log.appendDurableSync('started', {});
  const heads = new Heads(log, totp.sign);
  heads.resume(null);
  t.equal(heads.isDue, true, 'negative control');
  heads.rest();
  t.equal(heads.isDue, false);
  await t.rejects(heads.checkpoint(), { code: 'UNAVAILABLE' });
  t.same(totp.claims, []);
  heads.resume(null);
  await heads.checkpoint();
  t.equal(totp.claims.length, 1, 'until the next hello');
});

t.test('HEADS-5: the newest head is kept whatever airlock-totp knows of it, over a restart too', async (t) => {
  const [dir, totp] = [folder(t), new FakeSigner()];
  const log = open(t, dir, new ManualClock());
  log.appendDurableSync('started', {});
  const heads = new Heads(log, totp.sign);
  t.equal(heads.newest, null, 'negative control: none yet');
  const first = await heads.checkpoint();
  log.appendDurableSync('started', {});
  const second = await heads.checkpoint();
  t.not(second, first);
  for (const known of [first, null]) {
    heads.resume(known);
    t.equal(heads.newest, second, 'an older one takes nothing away');
  }
  await log.close();
  t.equal(new Heads(open(t, dir, new ManualClock()), totp.sign).newest, second);
});

t.test('audit.query: a page has a bound of lines, and the next begins after it', async (t) => {
  const dir = folder(t);
  const log = open(t, dir, new ManualClock());
  for (let n = 0; n < GATEWAY_LIMITS.maxQueryLines + 5; n += 1) log.append('started', {});
  const first = await queryLog(dir, {});
  t.equal(first.lines.length, GATEWAY_LIMITS.maxQueryLines);
  t.equal(first.next, GATEWAY_LIMITS.maxQueryLines);
  const second = await queryLog(dir, { after: first.next ?? 0 });
  t.same(
    second.lines.map((line) => parseRecord(line)?.seq),
    [1001, 1002, 1003, 1004, 1005],
  );
  t.equal(second.next, null);
  const last = await queryLog(dir, { last: 3 });
  t.same(
    last.lines.map((line) => parseRecord(line)?.seq),
    [1003, 1004, 1005],
  );
});

t.test('audit.query: a page of long lines fits one frame, and so do the newest', async (t) => {
  const dir = folder(t);
  const log = open(t, dir, new ManualClock());
  const changes = Array.from({ length: 10 }, () => 'x'.repeat(500));
  for (let n = 0; n < 600; n += 1) log.append('policy_changed', { changes });
  const sizeOf = (lines: readonly string[]): number => lines.reduce((sum, { length }) => sum + length, 0);
  const first = await queryLog(dir, {});
  t.ok(first.lines.length < 600);
  t.equal(first.next, first.lines.length);
  t.ok(sizeOf(first.lines) <= GATEWAY_LIMITS.maxQueryBytes);
  const newest = await queryLog(dir, { last: 600 });
  t.ok(newest.lines.length < 600);
  t.equal(parseRecord(newest.lines.at(-1) ?? '')?.seq, 600);
  t.ok(sizeOf(newest.lines) <= GATEWAY_LIMITS.maxQueryBytes);
});

t.test('log.read: a long segment is read chunk by chunk, and no line of it in halves', async (t) => {
  const dir = folder(t);
  const [name, line] = ['2026-01-01.jsonl', 'x'.repeat(99_999)];
  writeFileSync(join(dir, name), `${line}\n`.repeat(6));
  const { maxLogChunkBytes } = GATEWAY_LIMITS;
  t.equal(readChunk(dir, name, 0).next, maxLogChunkBytes);
  t.equal(readChunk(dir, name, maxLogChunkBytes).next, null);
  t.match(linesFrom(dir, name, 0), { lines: { length: 5 }, next: 500_000 });
  t.same(linesFrom(dir, name, 500_000), { lines: [line], next: 600_000 });
});

t.test('audit.follow begun before there is any record tells the first', async (t) => {
  const dir = folder(t);
  const told: unknown[] = [];
  const listener = { unsentBytes: 0, notify: (_: string, params: object) => void told.push(params) };
  const follower = new Follower(dir);
  follower.add(listener);
  follower.tick();
  t.same(told, []);
  open(t, dir, new ManualClock()).append('started', {});
  follower.tick();
  t.match(told, [{ line: /"event":"started"/ }]);
  follower.remove(listener);
  follower.tick();
  t.equal(told.length, 1);
});

t.test('AUDIT-25: a segment past its age is recorded once, and removed once that is signed', async (t) => {
  const [dir, clock] = [folder(t), new ManualClock()];
  const log = open(t, dir, clock);
  for (let day = 0; day < 3; day += 1) {
    log.appendDurableSync('started', {});
    clock.advance(DAY_MS);
  }
  clock.advance(40 * DAY_MS);
  log.appendDurableSync('started', {});
  const segments = (): number => readdirSync(dir).filter((name) => name.endsWith('.jsonl')).length;
  const answers: (() => Promise<string>)[] = [
    () => Promise.reject(new AirlockError('UNAVAILABLE', 'airlock-totp does not answer')),
    () => Promise.resolve(headOf(1)),
    () => Promise.resolve(headOf(log.head().size)),
  ];
  const reports: string[] = [];
  let asked = 0;
  const retention = new Retention({
    ...{ log, dir, clock, retainDays: 30, report: (message) => void reports.push(message) },
    checkpoint: () => answers[asked++]?.() ?? Promise.reject(new Error('asked too often')),
  });
  const before = segments();
  const run = async (): Promise<number> => {
    const askedBefore = asked;
    clock.advance(GATEWAY_LIMITS.pruneIntervalMs);
    retention.tick();
    retention.tick();
    while (asked === askedBefore) await turn();
    for (let n = 0; n < 5; n += 1) await turn();
    return segments() - before;
  };
  t.equal(await run(), 0);
  t.match(reports, [/stays for now: airlock-totp does not answer/]);
  t.equal(await run(), 0, 'signed, and its record not with it');
  t.equal(await run(), -1);
  const { lines } = await queryLog(dir, { event: 'log_pruned' });
  t.equal(lines.length, 1, 'recorded once, though it took three attempts');
});
