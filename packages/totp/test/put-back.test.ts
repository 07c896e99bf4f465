// An airlock-totp whose whole state is an older one learns it from the gateway's newest head. BRIDGE-8
import { EMPTY_HEAD, generateHeadKey, parsePrivateKey, parseSignedHead, signHead, type Head } from '@airlock/audit';
import type { ApproveStatus, BridgeHelloResult } from '@airlock/protocol';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GATEWAY_LOG, TOTP_LOG, type GivenUp } from '../src/heads/heads.js';
import { forgottenHead, type KnownHeads } from '../src/heads/put-back.js';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  enrolAtRoot,
  front,
  greet,
  openHouse,
  recordsOf,
  refusal,
  type House,
  type Link,
} from './support/daemon.js';

const [OWN, OTHER] = [generateHeadKey(GATEWAY_LOG), generateHeadKey(GATEWAY_LOG)];
const head = (size: number, hash = '11'): Head => ({ size, hash: hash.repeat(32) });
const noteOf = (of: Head, { privateKey } = OWN, origin: string = GATEWAY_LOG): string =>
  signHead(parsePrivateKey(privateKey), origin, of);
const ANEW: GivenUp = { id: 'ab'.repeat(9), ...head(100) };
const LATER: GivenUp = { id: 'cd'.repeat(9), ...head(200), before: [ANEW.id] };

/** What airlock-totp knows: its last head, and the one it gave up. */
const known = (last: Head | null, givenUp: GivenUp | null = null): KnownHeads => ({
  last: () => last ?? EMPTY_HEAD,
  givenUp: () => givenUp,
  publicKey: () => OWN.publicKey,
});

t.test('BRIDGE-8: a head that was signed here and is not known here says that this state is an older one', async (t) => {
  const cases: readonly [string, KnownHeads, Parameters<typeof forgottenHead>[1], number | null][] = [
    ['a newer one', known(head(7)), { head: noteOf(head(8)) }, 8],
    ['a first one, where none is known', known(null), { head: noteOf(head(1)) }, 1],
    ['as many records, of another history', known(head(7)), { head: noteOf(head(7, '22')) }, 7],
    ['the last one', known(head(7)), { head: noteOf(head(7)) }, null],
    ['an older one: the gateway is told the newest', known(head(7)), { head: noteOf(head(6)) }, null],
    ['none', known(head(7)), {}, null],
    ['of a log that is to be set aside', known(null, ANEW), { head: noteOf(head(100)) }, null],
    ['of one that began anew before', known(null, LATER), { head: noteOf(head(100)), begunAnew: ANEW.id }, null],
    ['of an older log, though the new one has heads: BRIDGE-6 tells', known(head(7), ANEW), { head: noteOf(head(8)) }, null],
    ['of the new log, whose first head is forgotten', known(null, ANEW), { head: noteOf(head(3)), begunAnew: ANEW.id }, 3],
    ['of the new log, known', known(head(3), ANEW), { head: noteOf(head(3)), begunAnew: ANEW.id }, null],
    ['of the new log, newer', known(head(4), ANEW), { head: noteOf(head(5)), begunAnew: ANEW.id }, 5],
    ['of a log begun by a decision that is not known', known(head(40)), { head: noteOf(head(3)), begunAnew: ANEW.id }, 3],
    ['of one begun after another that is known', known(null, ANEW), { head: noteOf(head(3)), begunAnew: LATER.id }, 3],
  ];
  for (const [name, heads, held, size] of cases) t.equal(forgottenHead(heads, held)?.head.size ?? null, size, name);
});

t.test('BRIDGE-8: a head by a key that is not known here says that the keys are others', (t) => {
  const cases: readonly [string, KnownHeads, Parameters<typeof forgottenHead>[1], number | null][] = [
    ['another key', known(head(7)), { head: noteOf(head(8), OTHER) }, 8],
    ['another key, an older head', known(head(7)), { head: noteOf(head(6), OTHER) }, 6],
    ['before any head is known', known(null), { head: noteOf(head(1), OTHER) }, 1],
    ['of a log begun anew', known(head(40)), { head: noteOf(head(3), OTHER), begunAnew: ANEW.id }, 3],
    ['of another log', known(head(7)), { head: noteOf(head(8), OWN, TOTP_LOG) }, 8],
    ['no note', known(head(7)), { head: 'airlock-gateway\n8\n' }, 0],
    ['negative control', known(head(7)), { head: noteOf(head(7)) }, null],
  ];
  for (const [name, heads, held, size] of cases) {
    const found = forgottenHead(heads, held);
    t.equal(found?.isForeign === true ? found.head.size : null, size, name);
  }
  t.end();
});

const DIGESTS = ['00'.repeat(32), '11'.repeat(32), '22'.repeat(32)];
const sign = async (bridge: Link, size: number, from: number): Promise<string> =>
  (await call<{ head: string }>(bridge, 'head.sign', { size, digests: DIGESTS.slice(from, size) })).head;
const hello = async (house: House, held: object): Promise<BridgeHelloResult> =>
  call<BridgeHelloResult>(await house.connect('bridge'), 'hello', { protocol: 1, ...held });
const mismatches = (house: House): object[] => recordsOf(house, 'audit_mismatch');

t.test('BRIDGE-8: leases and grants end, every operator is locked and no code counts, before hello is answered', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const copy = `${house.stateDir}.older`;
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const approve = await house.connect('approve/default');
  await askFor(bridge);
  await approveFront(house, approve);
  await sign(bridge, 1, 0);
  await house.totp.close();
  cpSync(house.stateDir, copy, { recursive: true });
  await house.restart();
  const again = await house.connect('bridge');
  const { leases, head: older } = await greet(again);
  t.equal(leases.length, 1, 'negative control: a live lease');
  const newest = await sign(again, 3, 1);
  await house.totp.close();
  rmSync(house.stateDir, { recursive: true });
  cpSync(copy, house.stateDir, { recursive: true });
  await house.restart();

  t.match(await hello(house, { head: older }), { operators: [{ locked: false }] }, 'negative control: the head that it knows');
  for (let n = 0; n < 3; n += 1)
    t.match(await hello(house, { head: newest }), { operators: [{ locked: true }], leases: [], grants: [], head: older });
  const claimed = parseSignedHead(newest);
  t.match(
    mismatches(house),
    [{ log: TOTP_LOG, signed: 1, claimed: 3, claimedHash: claimed.hash }],
    'recorded once, however often it is told',
  );
  const terminal = await house.connect('approve/default');
  t.match(await call<ApproveStatus>(terminal, 'status'), {
    locked: true,
    alert: { message: /put back to an older state: it knows of 1 signed records of airlock-gateway, and has signed 3/ },
  });
  await call(terminal, 'action.open', { verb: 'unlock', params: {} });
  const { id, match, digest } = await front(terminal);
  const answer = { request: id, match, digest };
  for (const ahead of [-1, 0, 1])
    t.equal(await refusal(call(terminal, 'request.approve', { ...answer, code: codeNow(house, ahead) })), 'CODE_REJECTED');
  const back = await house.connect('bridge');
  await greet(back);
  t.equal(await sign(back, 3, 1), newest, 'it signs on from where it stands: the same history, the same head');
  t.match(await hello(house, { head: newest }), { head: newest });
  t.equal(mismatches(house).length, 1, 'and what it knows now says nothing');
});

const KEYS = ['head-key.totp', 'head-key.gateway'];

t.test('HEADS-8: keys that are gone are not drawn anew while somebody is enrolled', async (t) => {
  for (const gone of [['heads', ...KEYS], ...KEYS.map((key) => [key])]) {
    const house = await openHouse();
    t.teardown(() => house.end());
    await house.totp.close();
    for (const file of gone) rmSync(join(house.stateDir, file));
    if (gone.length === 1)
      writeFileSync(join(house.stateDir, 'heads'), JSON.stringify({ [TOTP_LOG]: null, [GATEWAY_LOG]: null }));
    await house.restart();
    const { sealed } = await call<ApproveStatus>(await house.connect('approve/default'), 'status');
    t.match(
      sealed,
      { code: 'VAULT_UNREADABLE', message: /head-key\.\w+: is missing, though somebody is enrolled/ },
      gone.join(' '),
    );
    for (const key of KEYS.filter((one) => gone.includes(one)))
      t.notOk(existsSync(join(house.stateDir, key)), 'nothing is drawn');
  }
  const empty = await openHouse({ enrolled: false });
  t.teardown(() => empty.end());
  await empty.totp.close();
  for (const file of ['heads', ...KEYS]) rmSync(join(empty.stateDir, file));
  await empty.restart();
  t.match(await call(await empty.connect('approve/default'), 'status'), { sealed: null }, 'negative control: nobody is enrolled');
});

t.test('BRIDGE-8: a head by another key locks, and says how to go on', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  t.match(await hello(house, {}), { operators: [{ locked: false }] }, 'negative control');
  for (let n = 0; n < 2; n += 1)
    t.match(await hello(house, { head: noteOf(head(3), OTHER) }), { operators: [{ locked: true }], leases: [], grants: [] });
  t.match(mismatches(house), [{ log: TOTP_LOG, claimed: 3 }], 'recorded once');
  t.match(await call<ApproveStatus>(await house.connect('approve/default'), 'status'), {
    alert: { message: /airlock-totp has other keys .* audit accept --log gateway/ },
  });
});

t.test('BRIDGE-8: recovery codes of a state that was put back count no more, as one of them may have been used', async (t) => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  const root = await house.connect('root');
  const [recoveryCode = ''] = await enrolAtRoot(house, root);
  const check = (): Promise<{ ok: boolean }> => call(root, 'recovery.check', { operator: 'default', recoveryCode });
  t.same(await check(), { ok: true }, 'negative control');
  await hello(house, { head: noteOf(head(3), OTHER) });
  t.same(await check(), { ok: false });
});
