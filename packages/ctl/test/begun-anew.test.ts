/** ACCEPT-6, ACCEPT-7: what each of the two logs says of one that was begun anew, in any order. */
import t from 'tap';
import { BegunAnewLogs, begunAnewText } from '../src/audit/begun-anew.js';

const A = 'a'.repeat(18);
const B = 'b'.repeat(18);
const TS = '2026-11-20T12:00:00.000Z';

type Line = readonly [event: string, fields: object];
const started: Line = ['started', {}];
const signed = (size: number): Line => ['checkpoint', { origin: 'airlock-gateway', size }];
const recorded = (id: string, log = 'airlock-gateway'): Line => ['log_accepted', { log, id, size: 9 }];
const begun = (id: string): Line => ['log_begun', { accepted: id, after: 7 }];
const told = (id: string): Line => ['log_accepted', { log: 'airlock-totp', accepted: id, after: 7 }];

interface Logs {
  readonly totp?: readonly Line[];
  readonly gateway: readonly Line[];
  /** `seq` of the first record of airlock-totp's that is there. */
  readonly from?: number;
}

const read = ({ totp = [], gateway, from = 1 }: Logs, isTotpFirst: boolean): BegunAnewLogs => {
  const found = new BegunAnewLogs();
  const lineOf = (fields: object, seq: number): Buffer => Buffer.from(JSON.stringify({ seq, ts: TS, ...fields }));
  const readTotp = (): void => totp.forEach(([event, fields], at) => found.recorded(event, lineOf(fields, from + at)));
  const readGateway = (): void => gateway.forEach(([event, fields], at) => found.said(event, lineOf(fields, 1 + at)));
  for (const one of isTotpFirst ? [readTotp, readGateway] : [readGateway, readTotp]) one();
  return found;
};

const ORDERS = [true, false];
const problems = (logs: Logs, isLive: boolean): readonly (string | null)[] =>
  ORDERS.map((order) => read(logs, order).problem(isLive)?.problem ?? null);
const texts = (logs: Logs): readonly string[] => read(logs, true).all.map(begunAnewText);

t.test('ACCEPT-7: what the gateway alone says, no code was given for', (t) => {
  const logs = { totp: [started, signed(1)], gateway: [begun(A), started] };
  for (const isLive of [true, false])
    for (const problem of problems(logs, isLive))
      t.equal(
        problem,
        `record 1 says that the log of airlock-gateway was begun anew (audit.set-aside-${A}), and no code was given for it: airlock-totp's log does not know of it`,
      );
  for (const problem of problems({ ...logs, totp: [started, recorded(B), signed(1)] }, true))
    t.match(problem, /set-aside-a+\)/, 'nor by the code for another');
  for (const problem of problems({ ...logs, totp: [started, ['noted', { log: 'airlock-gateway', id: A }]] }, true))
    t.match(problem, /set-aside-a+\)/, 'by no other event');
  for (const problem of problems({ totp: [started], gateway: [started, told(B)] }, true))
    t.match(problem, /record 2 says that the log of airlock-totp was begun anew \(audit\.set-aside-b+\)/);
  for (const problem of problems({ totp: [started], gateway: [['log_begun', { accepted: '../../etc' }]] }, true))
    t.match(problem, /audit\.set-aside-ID\)/, 'what is no id is not shown');
  t.end();
});

t.test('negative control: what airlock-totp recorded was begun with a code', (t) => {
  const logs = { totp: [started, recorded(A), signed(5)], gateway: [begun(A), started] };
  const anew = { totp: [recorded(B, 'airlock-totp'), signed(5)], gateway: [started, told(B)] };
  for (const one of [logs, anew]) for (const isLive of [true, false]) t.same(problems(one, isLive), [null, null]);
  t.same(texts(logs), [
    `log of airlock-gateway: begun anew with a code at ${TS}; 9 records before that were signed, and are proven only from audit.set-aside-${A}`,
  ]);
  t.match(read(logs, true).all, read(logs, false).all, 'what airlock-totp says of it counts, in any order');
  t.equal(read(anew, true).all.length, 1, 'it stands in both, and counts once');
  const decided = { totp: [started, recorded(A)], gateway: [started] };
  t.same(problems(decided, true), [null, null], 'recorded, and the gateway has not yet begun');
  t.end();
});

t.test('ACCEPT-7: where the log of airlock-totp cannot know, that is said, and nobody is blamed', (t) => {
  const gateway = [begun(A), told(B)];
  for (const logs of [
    { totp: [started, signed(5)], gateway, from: 7 },
    { totp: [recorded(B, 'airlock-totp'), signed(5)], gateway },
    { gateway },
  ] as Logs[]) {
    if (logs.totp !== undefined) t.same(problems(logs, true), [null, null]);
    t.match(
      texts(logs).join('\n'),
      /log of airlock-gateway: begun anew at \S+, as the gateway's log says; whether with a code is not known/,
    );
    t.notMatch(texts(logs).join('\n'), /airlock-gateway: begun anew with a code/);
  }
  t.end();
});

t.test('ACCEPT-7: a copy of the log of airlock-totp that may be older is held only to what it records a head over', (t) => {
  const gateway = [started, started, told(B)];
  t.same(problems({ totp: [started], gateway }, false), [null, null], 'no head');
  t.same(problems({ totp: [started, signed(2)], gateway }, false), [null, null], 'one of before');
  t.match(problems({ totp: [started, signed(3)], gateway }, false), [
    /airlock-totp was begun anew/,
    /airlock-totp was begun anew/,
  ]);
  const since = { totp: [started, signed(40), recorded(A), signed(2)], gateway };
  t.same(problems(since, false), [null, null], 'heads of the log of before are over nothing of the new one');
  t.match(
    problems(since, true),
    [/airlock-totp was begun anew/, /airlock-totp was begun anew/],
    'which is no matter where both are served',
  );
  t.end();
});
