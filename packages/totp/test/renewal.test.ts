/** RENEW-1 to RENEW-3: what a renewal shows, and when the lease it follows ends. */
import t from 'tap';
import type { LeaseView, RequestState, TakenLease } from '@airlock/protocol';
import { intentHash, type RegisteredLease } from '@airlock/protocol';
import { leaseText, type LeaseFacts } from '../src/text/lease-text.js';
import { changeLines, type Asked, type Present } from '../src/text/renewal-text.js';
import { approveFront, askFor, call, front, greet, openHouse, refusal, type Link } from './support/daemon.js';

const PRESENT: Present = {
  id: 'AAECAwQFBgcICQoLDA0ODw',
  scopes: ['gmail:read'],
  constraints: {},
  budget: null,
  intent: null,
  issuedMs: 1_800_000_000_000,
  expiresMs: 1_800_003_600_000,
};
const SAME: Asked = { scopes: ['gmail:read'], constraints: {}, budget: null, intent: null, ttlS: 3600 };
const LAST = 'nothing else changes';
const changes = (present: Partial<Present>, asked: Partial<Asked>): string[] =>
  changeLines({ ...PRESENT, ...present }, { ...SAME, ...asked }).map(({ value }) => value);

t.test('RENEW-1: every difference is a line, and the last says that there are no others', (t) => {
  t.same(changes({}, {}), [LAST]);
  t.same(changes({}, { scopes: ['calendar:read', 'gmail:write'] }), [
    '+ access calendar:read',
    '+ access gmail:write',
    '- access gmail:read',
    LAST,
  ]);
  t.same(changes({}, { ttlS: 90 }), ['for 90 s, before 60 min', LAST]);
  t.same(changes({ constraints: { folders: ['A'], since: '2026-01-01' } }, { constraints: { folders: ['B'], maxResults: 5 } }), [
    '+ limit folders = [\\"B\\"]',
    '- limit folders = [\\"A\\"]',
    '+ limit maxResults = 5',
    '- limit since = \\"2026-01-01\\"',
    LAST,
  ]);
  t.same(changes({ budget: { calls: 5 } }, {}), ['any number of calls, before at most 5 calls', LAST]);
  t.same(changes({}, { budget: { calls: 5 } }), ['at most 5 calls, before any number of calls', LAST]);
  t.same(changes({ budget: { calls: 5 } }, { budget: { calls: 5 } }), ['at most 5 calls, counted from the start again', LAST]);
  t.same(changes({}, { intent: 'x' }), ['bound to the intent above, before to none', LAST]);
  t.same(changes({ intent: intentHash('y') }, { intent: 'x' }), ['bound to the intent above, before to another', LAST]);
  t.same(changes({ intent: intentHash('y') }, {}), ['bound to no intent, before to one', LAST]);
  t.same(changes({ intent: intentHash('é') }, { intent: 'e\u0301' }), [LAST], 'the same intent, written otherwise');
  t.end();
});

t.test('RENEW-1: over all Unicode scalars a difference stays one line, printed as everywhere', (t) => {
  const FACTS: LeaseFacts = { ...SAME, id: 'r-k3m9qz7w2p', role: 'default', session: '9f2kq1', reason: 'x', match: '07' };
  const wrong: string[] = [];
  for (let from = 0; from <= 0x10ffff; from += 0x400) {
    if (from >= 0xd800 && from < 0xe000) continue;
    const foreign = Array.from({ length: 0x400 }, (_, at) => String.fromCodePoint(from + at));
    const renewed: Present = { ...PRESENT, constraints: { folders: foreign } };
    const text = leaseText({ ...FACTS, renewed });
    const lines = text.split('\n');
    if (lines.length !== 13 || lines.filter((line) => line.startsWith('  match')).length !== 1) wrong.push(from.toString(16));
    if (/(?!\n)[\p{C}\p{Zl}\p{Zp}\u2800]|(?! )\p{Zs}/u.test(text)) wrong.push(`${from.toString(16)} printed`);
  }
  t.same(wrong, []);
  t.end();
});

const take = (bridge: Link, request: string): Promise<TakenLease> => call<TakenLease>(bridge, 'request.take', { request });
const leaseIds = async (link: Link): Promise<string[]> =>
  (await call<{ leases: readonly LeaseView[] }>(link, 'leases')).leases.map(({ id }) => id);

t.test('RENEW-2: the old lease ends when the new one is handed out, not when it is approved', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const [link, bridge] = [await house.connect('approve/default'), await house.connect('bridge')];
  await greet(bridge);
  const first = await askFor(bridge);
  await approveFront(house, link);
  const { lease: old = '' } = await call<RequestState>(bridge, 'request.get', { request: first.request });
  await take(bridge, first.request);
  const denied = await askFor(bridge, { renew: old, ttlS: 1800 });
  t.match((await front(link)).text, `renews   lease ${old}`);
  t.match((await front(link)).text, '  changes  for 30 min, before 60 min\n           nothing else changes');
  await call(link, 'request.deny', { request: denied.request });
  t.same(await leaseIds(link), [old], 'a denial takes nothing away');
  house.clock.pass(60_000);
  const second = await askFor(bridge, { renew: old });
  t.notSame(second.request, (await askFor(bridge, {})).request, 'QUEUE-7: with and without a renewal are two requests');
  await approveFront(house, link);
  t.equal((await leaseIds(link)).includes(old), true, 'approved and not fetched: the old one still lives');
  await house.restart();
  const [later, again] = [await house.connect('approve/default'), await house.connect('bridge')];
  const { leases } = await greet(again);
  await take(again, second.request);
  const left = await leaseIds(later);
  t.equal(left.includes(old), false);
  t.equal(left.length, leases.length - 1, 'and nothing else ended');
});

t.test('RENEW-3: a lease of another session, or one that has ended, cannot be renewed', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const [link, bridge] = [await house.connect('approve/default'), await house.connect('bridge')];
  await greet(bridge);
  await askFor(bridge);
  const { lease } = await approveFront(house, link);
  const renew = (lease as Pick<RegisteredLease, 'id'>).id;
  t.equal(await refusal(askFor(bridge, { renew, session: 's-other-123' })), 'LEASE_INVALID');
  await call(link, 'revoke', { lease: renew });
  t.equal(await refusal(askFor(bridge, { renew })), 'LEASE_INVALID');
  t.equal(await refusal(askFor(bridge)), 'none', 'negative control');
});
