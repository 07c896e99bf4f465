// A holder changes its lease: bytes, key, caveats, encoding, or appends caveats that pretend to give something back.
import { createHmac, randomBytes } from 'node:crypto';
import { asLeaseKey, mintLease, narrowLease, parseLease } from '@airlock/lease';
import {
  addMailbox,
  obtainLease,
  openSession,
  refusalOf,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import t from 'tap';
import { countUnread, listMessages, UNWATCHED, configWith } from './support/house.js';

let running: Running;
let agent: AgentSession;
/** As issued: list_messages alone. */
let lease: string;
t.before(async () => {
  running = await startTestInstance({ cells: 2, config: configWith(UNWATCHED) });
  await addMailbox(running);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read:list_messages'], { ttlS: 3600 }));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const use = (text: string): Promise<string | null> => refusalOf(listMessages(agent, text, { limit: 1 }));
const partsOf = (text: string): string[] => text.split('.');
const encode = (json: string): string => Buffer.from(json, 'utf8').toString('base64url');
const decode = (part: string): string => Buffer.from(part, 'base64url').toString('utf8');

/** A caveat in the holder's own words, with the tag that goes with it: anybody who holds a lease can do this much. */
const append = (text: string, part: string): string => {
  const parts = partsOf(text);
  const tag = Buffer.from(parts.pop() ?? '', 'base64url');
  return [...parts, part, createHmac('sha256', tag).update(part).digest('base64url')].join('.');
};

t.test('negative control: as issued and honestly narrowed it is accepted, also with a caveat appended by hand', async (t) => {
  t.equal(await use(lease), null);
  t.equal(await use(narrowLease(lease, ['budget', { calls: 100 }])), null);
  t.equal(await use(append(lease, encode('["budget",{"calls":100}]'))), null);
});

t.test('LEASE-4: every changed character is refused', async (t) => {
  const accepted: number[] = [];
  // The prefix and dots too; every third place of a text of some 500 keeps this short, tests of packages/lease have them all.
  for (let at = 0; at < lease.length; at += 3) {
    const changed = `${lease.slice(0, at)}${lease[at] === 'A' ? 'B' : 'A'}${lease.slice(at + 1)}`;
    if ((await use(changed)) !== 'LEASE_INVALID') accepted.push(at);
  }
  t.same(accepted, []);
  t.ok(lease.length > 300, `${lease.length} characters`);
});

t.test('forged: a payload of one’s own, under a key of one’s own or the old tag', async (t) => {
  const { payload } = parseLease(lease);
  const key = asLeaseKey(randomBytes(32));
  const wider = { ...payload, scopes: ['mail:read'] };
  t.equal(await use(mintLease(key, payload)), 'LEASE_INVALID', 'the same rights, another key');
  t.equal(await use(mintLease(key, wider)), 'LEASE_INVALID');
  const [prefix, , tag] = partsOf(lease);
  const swapped = partsOf(mintLease(key, wider))[1];
  t.equal(await use([prefix, swapped, tag].join('.')), 'LEASE_INVALID', 'a wider payload before the old tag');
  for (const zero of [Buffer.alloc(32), Buffer.alloc(0), Buffer.alloc(16), Buffer.alloc(64)])
    t.equal(await use([prefix, swapped, zero.toString('base64url')].join('.')), 'LEASE_INVALID', `a tag of ${zero.length} zeros`);
  t.equal(await use(mintLease(asLeaseKey(Buffer.alloc(32)), wider)), 'LEASE_INVALID', 'the key of zeros');
});

t.test('LEASE-4: caveats removed, moved, doubled, put in before the end', async (t) => {
  const first = narrowLease(lease, ['budget', { calls: 50 }]);
  const both = narrowLease(first, ['scopes', ['mail:read:list_messages']]);
  const [prefix, payload, one, two, tag] = partsOf(both);
  const { 3: tagOfFirst } = partsOf(first);
  for (const [what, parts] of Object.entries({
    'the last one off': [prefix, payload, one, tag],
    'the first one off': [prefix, payload, two, tag],
    'both off': [prefix, payload, tag],
    moved: [prefix, payload, two, one, tag],
    doubled: [prefix, payload, one, two, two, tag],
    'the tag of another position': [prefix, payload, one, two, tagOfFirst],
    'put in before': [prefix, payload, encode('["budget",{"calls":9}]'), one, two, tag],
  }))
    t.equal(await use(parts.join('.')), 'LEASE_INVALID', what);
  t.equal(await use(both), null, 'negative control');
});

t.test('LEASE-2, LEASE-6, LEASE-8: what is not canonical or not known fails, though its tag is right', async (t) => {
  for (const json of [
    '["budget", {"calls":5}]',
    '["budget",{"calls":5}]\n',
    '["budget",{"calls":5,"calls":6}]',
    '["budget",{"calls":5.0}]',
    '["budget",{"calls":0}]',
    '["budget",{"calls":-1}]',
    '["b\\u0075dget",{"calls":5}]',
    '["constraints",{"maxResults":5,"folders":["INBOX"]}]',
    '["constraints",{"everything":true}]',
    '["allow",["mail:write"]]',
    '["scopes",["mail:read","mail:read"]]',
    '["scopes",["mail:*"]]',
    '{}',
    'null',
    '',
  ])
    t.equal(await use(append(lease, encode(json))), 'LEASE_INVALID', JSON.stringify(json));
  t.equal(await use(append(lease, `${encode('["budget",{"calls":50}]')}=`)), 'LEASE_INVALID', 'padding');
  t.equal(await use(append(lease, '')), 'LEASE_INVALID', 'an empty part');
  const parts = partsOf(lease);
  for (const text of [
    `${lease}=`,
    `${lease}.`,
    ` ${lease}`,
    `${lease}\n`,
    lease.toUpperCase(),
    `AL1${lease.slice(3)}`,
    `al1..${parts[2] ?? ''}`,
  ])
    t.equal(await use(text), 'LEASE_INVALID', JSON.stringify(text.slice(0, 12)));
});

t.test('LEASE-2: the payload with its keys reordered says the same and is refused', async (t) => {
  const [prefix, payload = '', tag] = partsOf(lease);
  const entries = Object.entries(JSON.parse(decode(payload)) as object);
  const reordered = encode(JSON.stringify(Object.fromEntries(entries.reverse())));
  t.not(reordered, payload);
  t.equal(await use([prefix, reordered, tag].join('.')), 'LEASE_INVALID');
});

t.test('LEASE-7: caveats with right tags that claim more give nothing', async (t) => {
  const widened = append(lease, encode('["scopes",["mail:read"]]'));
  t.equal(await use(widened), null, 'negative control: it verifies');
  t.equal(await refusalOf(countUnread(agent, widened)), 'LEASE_SCOPE');
  t.equal(await refusalOf(countUnread(agent, append(lease, encode('["scopes",["mail:read:count_unread"]]')))), 'LEASE_SCOPE');
  t.equal(await refusalOf(countUnread(agent, lease)), 'LEASE_SCOPE');
  const budget = narrowLease(lease, ['budget', { calls: 1 }]);
  const refilled = append(budget, encode('["budget",{"calls":1000}]'));
  t.equal(await use(refilled), null);
  t.equal(await use(refilled), 'LEASE_BUDGET', 'a larger budget after a smaller one');
  const none = append(lease, encode('["scopes",[]]'));
  t.equal(await use(none), 'LEASE_INVALID');
  const later = append(lease, encode(`["expires",${parseLease(lease).payload.expiresMs + 86_400_000}]`));
  t.equal(await use(later), null, 'negative control: it verifies');
  running.clock.advance(3_600_001);
  t.equal(await use(later), 'LEASE_EXPIRED', 'a later end is none');
});
