/** Sessions as they are kept, crowded out and shown. */
import { AirlockError, type Taint } from '@airlock/protocol';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { callsItself, Sessions, type Listener, type Session } from '../src/sessions/sessions.js';
import { ManualClock } from './support/time.js';

const MINE = { role: 'default', operator: 'default' };
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.code : String(thrown);
  }
};

t.test('a role with as many sessions as it may have loses its oldest, and none that is connected or holds a lease', (t) => {
  const needed = new Set<string>();
  const sessions = new Sessions(null, 'boot', new ManualClock(), (id) => needed.has(id));
  const { maxSessionsPerRole } = GATEWAY_LIMITS;
  const made = Array.from({ length: maxSessionsPerRole }, () => sessions.create(MINE));
  const foreign = sessions.create({ role: 'other', operator: 'default' });
  const [holder, connected, oldest, next] = made;
  if (holder === undefined || connected === undefined || oldest === undefined || next === undefined) throw new Error('none');
  needed.add(holder.session.id);
  const listener: Listener = { unsentBytes: 0, notify: () => undefined };
  sessions.attach(connected.session, listener);
  sessions.create(MINE);
  t.equal(sessions.size, maxSessionsPerRole + 1);
  for (const { resume } of [holder, connected, next]) t.ok(sessions.resume(MINE, resume));
  t.ok(sessions.resume({ role: 'other', operator: 'default' }, foreign.resume));
  t.equal(
    codeOf(() => sessions.resume(MINE, oldest.resume)),
    'NOT_AUTHENTICATED',
  );
  sessions.create(MINE);
  t.equal(
    codeOf(() => sessions.resume(MINE, next.resume)),
    'NOT_AUTHENTICATED',
    'one goes for each that comes',
  );
  t.end();
});

t.test('where none can go, the next is refused', (t) => {
  const sessions = new Sessions(null, 'boot', new ManualClock(), () => true);
  for (let n = 0; n < GATEWAY_LIMITS.maxSessionsPerRole; n += 1) sessions.create(MINE);
  t.equal(
    codeOf(() => sessions.create(MINE)),
    'RATE_LIMITED',
  );
  t.equal(
    codeOf(() => sessions.create({ role: 'other', operator: 'default' })),
    'none',
    'another role is not touched',
  );
  t.end();
});

t.test('SESSION-3: lines that are none of ours are left out, and what is not one of them stays', (t) => {
  const path = join(t.testdir({}), 'sessions.jsonl');
  const open = (): Sessions => new Sessions(path, 'boot', new ManualClock(), () => false);
  const taint: Taint = { sinceMs: 1, service: 'mail', operation: 'get' };
  const first = open();
  const { session, resume } = first.create(MINE);
  first.close();
  const line = JSON.parse(readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '') as object;
  const strange = [
    'null',
    '1',
    '[]',
    '{}',
    JSON.stringify({ ...line, id: 7 }),
    JSON.stringify({ ...line, id: 'another', taint: { sinceMs: 'now' } }),
    JSON.stringify({ ...MINE, roleTaint: taint, bootMs: null }),
    JSON.stringify(line).slice(0, 20),
  ];
  appendFileSync(path, strange.map((one) => `${one}\n`).join(''));
  const second = open();
  t.equal(second.size, 1);
  t.equal(second.resume(MINE, resume).id, session.id);
  t.equal(second.create(MINE).session.taint, null, 'a taint with no time is none');
  second.taint(MINE, taint);
  second.close();
  t.same(open().create(MINE).session.taint, taint, 'negative control');
  t.end();
});

t.test('IDENTITY-1: a client without a name shows none, and what is no Unicode is shown as far as it is', (t) => {
  const named = (client: string | null): object => callsItself({ client } as Session);
  t.same(named(null), {});
  t.same(named('  '), {});
  t.same(named('a\ud800b'), { client: 'a\ufffdb' });
  t.same(named('Claude'), { client: 'Claude' });
  t.end();
});
