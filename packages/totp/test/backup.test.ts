/** Backup and restore over root.sock: what is kept, who may put it back, and what comes of it. docs/spec/backup.md */
import t, { type Test } from 'tap';
import {
  DEFAULT_CONFIG,
  FRAME,
  packBlobs,
  restoreDigest,
  servicesDigest,
  unpackBlobs,
  type ApproveStatus,
  type BridgeHelloResult,
  type CompiledConfig,
} from '@airlock/protocol';
import { sealArchive, type Archive } from '../src/backup/archive.js';
import { enrolForDevelopment } from '../src/dev/enrol.js';
import { nodeStateFs } from '../src/state/state-fs.js';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  connectExchanging,
  enrolAtRoot,
  front,
  greet,
  openHouse,
  recordsOf,
  refusal,
  refusedWith,
  type Exchanging,
  SECRET_TEXT,
  type Frame,
  type House,
  type HouseSettings,
  type Link,
} from './support/daemon.js';

const KEY = Buffer.alloc(32, 4);
const NOTHING = { tickets: {}, services: [] };
const DIGEST = 'ab'.repeat(32);

interface Machine extends Exchanging {
  readonly house: House;
}

const machine = async (t: Test, settings: HouseSettings = {}): Promise<Machine> => {
  const house = await openHouse(settings);
  t.teardown(() => house.end());
  return { house, ...(await connectExchanging(house, 'root')) };
};

const ofOperators = (...operators: string[]): CompiledConfig => ({
  ...DEFAULT_CONFIG,
  operators,
  roles: Object.fromEntries(operators.map((operator) => [operator, { operator }])),
});

interface Made {
  readonly sealed: Buffer;
  readonly facts: { readonly generation: number; readonly made: string; readonly operators: readonly string[] };
}

const back = async ({ exchange }: Machine): Promise<Made> => {
  const { payload } = await exchange(FRAME.BACKUP_REQUEST, packBlobs(KEY));
  const [sealed, facts] = unpackBlobs(payload, 0, 2)?.blobs ?? [];
  if (sealed === undefined || facts === undefined) throw new Error('no backup');
  return { sealed: Buffer.from(sealed), facts: JSON.parse(facts.toString('utf8')) as Made['facts'] };
};

const restore = ({ exchange }: Machine, sealed: Uint8Array, order: unknown = NOTHING, key: Buffer = KEY): Promise<Frame> =>
  exchange(FRAME.RESTORE_REQUEST, packBlobs(key, sealed, Buffer.from(typeof order === 'string' ? order : JSON.stringify(order))));

const problemOf = (frame: Frame): string => {
  const error = refusedWith(frame);
  return error === null ? 'none' : `${error.code}: ${error.message}`;
};

const statusOf = async (house: House): Promise<ApproveStatus> =>
  call<ApproveStatus>(await house.connect('approve/default'), 'status');

t.test('BACKUP-5: a phone is restored onto another machine, in one step, and the gateway is told', async (t) => {
  const old = await machine(t, { config: ofOperators('default', 'bob') });
  const approve = await old.house.connect('approve/default');
  await call(approve, 'lock');
  const { sealed, facts } = await back(old);
  t.match(facts, { generation: 1, operators: ['default'] }, 'who has no phone enrolled has nothing to keep');
  t.equal((await back(old)).facts.generation, 2);

  const restarts: string[] = [];
  const fresh = await machine(t, { enrolled: false, restart: () => restarts.push('now') });
  const services = [{ operator: 'default', service: 'mail', digest: DIGEST }];
  const { type, payload } = await restore(fresh, sealed, { tickets: {}, services });
  t.equal(type, FRAME.RESTORE);
  const tickets = ticketsIn({ type, payload });
  const bridge = await fresh.house.connect('bridge');
  t.equal((await greet(bridge)).restored, undefined, 'nothing is changed before the end');
  t.equal((await statusOf(fresh.house)).enrolled, false);
  const redeemed = await call<{ action: { params: { restore: string } } }>(bridge, 'action.redeem', {
    ...{ ticket: tickets[0], operator: 'default', verb: 'service.restore' },
  });
  t.match(redeemed.action, { verb: 'service.restore', params: { service: 'mail', digest: DIGEST } });
  t.equal(await refusal(call(fresh.link, 'restore.finish')), 'UNAVAILABLE', 'BACKUP-11: a ticket that was used is no word');
  const held = { restore: redeemed.action.params.restore, operator: 'default', service: 'mail' };
  for (const other of [{ service: 'box' }, { operator: 'bob' }, { restore: 'r'.repeat(22) }])
    t.equal(await refusal(call(bridge, 'restore.held', { ...held, ...other })), 'NOT_FOUND', JSON.stringify(other));
  t.equal(await refusal(call(fresh.link, 'restore.finish')), 'UNAVAILABLE', 'nor is the word for another');
  await call(bridge, 'restore.held', held);
  const { restored } = await call<{ restored: string }>(fresh.link, 'restore.finish');
  t.same(restarts, ['now']);
  t.equal((await statusOf(fresh.house)).sealed?.code, 'UNAVAILABLE', 'until it is started anew');
  t.equal(await refusal(call(fresh.link, 'restore.finish')), 'UNAVAILABLE');

  await fresh.house.restart();
  t.match(await statusOf(fresh.house), { enrolled: true, locked: true, sealed: null });
  const again = await fresh.house.connect('bridge');
  const hello: BridgeHelloResult = await greet(again);
  t.strictSame(hello.restored, { id: restored, operators: ['default'], services: servicesDigest(services) });
  await call(again, 'restore.applied', { restore: 'r'.repeat(22) });
  t.equal((await greet(again)).restored?.id, restored, 'BACKUP-12: due until the gateway said that this one is in force');
  await call(again, 'restore.applied', { restore: restored });
  t.equal((await greet(again)).restored, undefined);
  const link = await fresh.house.connect('approve/default');
  const code = codeNow(fresh.house, 1);
  await call(link, 'action.open', { verb: 'unlock', params: {} });
  const shown = await front(link);
  const early = { request: shown.id, digest: shown.digest, match: shown.match, code };
  t.equal(await refusal(call(link, 'request.approve', early)), 'CODE_REJECTED', 'BACKUP-6: a code that may have been used');
  await approveFront(fresh.house, link);
  t.match(await statusOf(fresh.house), { locked: false }, 'the same phone approves');
});

t.test('BACKUP-11: one restore at a time, until its connection ends', async (t) => {
  const { sealed } = await back(await machine(t));
  const one = await machine(t, { enrolled: false });
  const other = { ...one, ...(await connectExchanging(one.house, 'root')) };
  t.equal(problemOf(await restore(one, sealed, NOTHING, Buffer.alloc(32, 5))).slice(0, 16), 'VAULT_UNREADABLE');
  t.equal(problemOf(await restore(other, sealed)), 'none', 'what was refused is not open');
  t.equal(problemOf(await restore(one, sealed)), 'UNAVAILABLE: another restore is under way');
  t.equal(await refusal(call(one.link, 'restore.finish')), 'NOT_FOUND', 'nor can it be finished from here');
  t.equal(problemOf(await restore(other, sealed)), 'none', 'begun again on its own connection');
  const bridge = await one.house.connect('bridge');
  await greet(bridge);
  other.link.close();
  for (let tries = 0; tries < 100 && problemOf(await restore(one, sealed)) !== 'none'; tries += 1) await greet(bridge);
  await call(one.link, 'restore.finish');
});

t.test('BACKUP-12: what is not in force yet is not left half by a restore of others', async (t) => {
  const config = ofOperators('default', 'bob');
  const bothEnrolled: HouseSettings = {
    config,
    prepare: (house) => {
      for (const operator of config.operators) enrolForDevelopment(house, operator, SECRET_TEXT);
    },
  };
  const { sealed } = await back(await machine(t, bothEnrolled));
  const ofOne = await back(await machine(t));
  const fresh = await machine(t, { enrolled: false, config });
  const services = [{ operator: 'bob', service: 'mail', digest: DIGEST }];
  const tickets = ticketsIn(await restore(fresh, sealed, { tickets: {}, services }));
  const bridge = await fresh.house.connect('bridge');
  await greet(bridge);
  const params = { ticket: tickets[0], operator: 'bob', verb: 'service.restore' };
  const { action } = await call<{ action: { params: { restore: string } } }>(bridge, 'action.redeem', params);
  await call(bridge, 'restore.held', { restore: action.params.restore, operator: 'bob', service: 'mail' });
  await call(fresh.link, 'restore.finish');
  await fresh.house.restart();
  const after = { ...fresh, ...(await connectExchanging(fresh.house, 'root')) };
  t.equal(problemOf(await restore(after, ofOne.sealed)), 'UNAVAILABLE: the last restore, of bob, default, is not in force yet');
  const whole = await restore(after, sealed, { tickets: {}, services });
  t.match(problemOf(whole), /^NOT_AUTHENTICATED: operator default is enrolled/, 'one that replaces all of it goes on');
});

const ticketsIn = ({ payload }: Frame): string[] => {
  const [answer] = unpackBlobs(payload, 0, 1)?.blobs ?? [];
  return (JSON.parse(answer?.toString('utf8') ?? '') as { tickets: string[] }).tickets;
};

const kept = (link: Link, generation: number): Promise<{ kept: number }> => call(link, 'backup.kept', { generation });

interface Approved {
  readonly made: string;
  readonly digest: string;
}

const approvedFor = ({ sealed, facts }: Made): Approved => ({ made: facts.made, digest: restoreDigest(sealed, []) });

/** An order with a ticket that the present phone approved. */
const orderFor = async ({ house }: Machine, params: Approved): Promise<{ tickets: { default: string }; services: object[] }> => {
  const approve = await house.connect('approve/default');
  await call(approve, 'action.open', { verb: 'restore', params });
  return { tickets: { default: (await approveFront(house, approve)).ticket ?? '' }, services: [] };
};

const OLDER = 'PARAMS_INVALID: the backup is older than the newest that was kept here';

t.test('BACKUP-4: over an enrolled phone only with a code of it, and nothing older than the newest', async (t) => {
  const one = await machine(t);
  const first = await back(one);
  const second = await back(one);
  t.strictSame(await kept(one.link, 2), { kept: 2 });
  t.match(problemOf(await restore(one, first.sealed)), /^NOT_AUTHENTICATED: operator default is enrolled/);
  const orderOf = (ticket: string): object => ({ tickets: { default: ticket }, services: [] });
  t.match(problemOf(await restore(one, first.sealed, orderOf('B'.repeat(43)))), /^NOT_AUTHENTICATED/, 'no base64url');
  t.match(problemOf(await restore(one, first.sealed, orderOf('A'.repeat(43)))), /^NOT_AUTHENTICATED/, 'nobody issued it');
  t.equal(problemOf(await restore(one, first.sealed, await orderFor(one, approvedFor(first)))), OLDER);
  t.equal(problemOf(await restore(one, second.sealed, await orderFor(one, approvedFor(second)))), 'none');
});

t.test('BACKUP-6: a restore unlocks nobody who was locked when it was decided', async (t) => {
  for (const isLocked of [false, true]) {
    const one = await machine(t);
    const open = await back(one);
    const terminal = await one.house.connect('approve/default');
    const order = await orderFor(one, approvedFor(open));
    if (isLocked) await call(terminal, 'lock');
    t.equal(problemOf(await restore(one, open.sealed, order)), 'none');
    await call(one.link, 'restore.finish');
    await one.house.restart();
    t.match(await statusOf(one.house), { locked: isLocked, sealed: null }, isLocked ? 'locked' : 'negative control');
  }
});

t.test('BACKUP-6: a recovery code that was used up here is used up after a restore; on an empty machine all count', async (t) => {
  const one = await machine(t, { enrolled: false });
  const [used = '', kept = ''] = await enrolAtRoot(one.house, one.link);
  const made = await back(one);
  await call(await one.house.connect('approve/default'), 'reset.recover', { recoveryCode: used });
  const counting = async (at: Machine): Promise<boolean[]> => {
    await call(at.link, 'restore.finish');
    await at.house.restart();
    const root = await at.house.connect('root');
    const check = (recoveryCode: string): Promise<{ ok: boolean }> =>
      call(root, 'recovery.check', { operator: 'default', recoveryCode });
    return [(await check(used)).ok, (await check(kept)).ok];
  };
  t.equal(problemOf(await restore(one, made.sealed, await orderFor(one, approvedFor(made)))), 'none');
  t.same(await counting(one), [false, true]);
  const fresh = await machine(t, { enrolled: false });
  t.equal(problemOf(await restore(fresh, made.sealed)), 'none');
  t.same(await counting(fresh), [true, true], 'negative control: nobody can know there');
});

t.test('BACKUP-6: the leases and grants of everybody end with a restore, recorded', async (t) => {
  const { sealed } = await back(await machine(t));
  const fresh = await machine(t, {
    ...{ enrolled: false, config: ofOperators('default', 'bob'), alsoServed: ['approve/bob'] },
    prepare: (house) => enrolForDevelopment(house, 'bob', SECRET_TEXT),
  });
  const bridge = await fresh.house.connect('bridge');
  await greet(bridge);
  await askFor(bridge, { operator: 'bob', role: 'bob' });
  const { lease } = await approveFront(fresh.house, await fresh.house.connect('approve/bob'));
  t.equal((await greet(bridge)).leases.length, 1, 'negative control');
  t.equal(problemOf(await restore(fresh, sealed)), 'none');
  await call(fresh.link, 'restore.finish');
  await fresh.house.restart();
  const after = await fresh.house.connect('approve/bob');
  t.match(await call<ApproveStatus>(after, 'status'), { enrolled: true, leases: 0, sealed: null });
  const [ended] = recordsOf(fresh.house, 'lease_revoked');
  t.match(ended, { operator: 'bob', lease: lease?.id ?? 'none' });
});

t.test('BACKUP-5: a disk that is full while a restore is carried out seals, says so, and the next start goes on', async (t) => {
  const { sealed } = await back(await machine(t));
  const fresh = await machine(t, { enrolled: false });
  t.equal(problemOf(await restore(fresh, sealed)), 'none');
  await call(fresh.link, 'restore.finish');
  const rename: typeof nodeStateFs.rename = (from, to) => {
    if (to.endsWith('default.state')) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    nodeStateFs.rename(from, to);
  };
  await fresh.house.restart({ fs: { ...nodeStateFs, rename } });
  const { sealed: why } = await statusOf(fresh.house);
  t.match(why, { code: 'VAULT_UNREADABLE', message: /^a restore that was decided is not carried out yet: .*default\.state/ });
  t.match(why?.hint, /^make room on the disk.*systemctl restart airlock-totp, which goes on with it$/);
  await fresh.house.restart({ fs: nodeStateFs });
  t.match(await statusOf(fresh.house), { enrolled: true, sealed: null });
});

t.test('BACKUP-10: what was handed out keeps nothing from being restored; what was told of does', async (t) => {
  const one = await machine(t);
  const good = await back(one);
  t.strictSame(await kept(one.link, good.facts.generation), { kept: 1 });
  const given = await back(one);
  t.equal((await back(one)).facts.generation, 3, 'given up, and not handed out again');
  t.equal(problemOf(await restore(one, good.sealed, await orderFor(one, approvedFor(good)))), 'none');
  t.equal(await refusal(kept(one.link, 4)), 'PARAMS_INVALID', 'a number that was never handed out');
  for (const generation of [0, -1, 1.5, '1', null])
    t.equal(await refusal(call(one.link, 'backup.kept', { generation })), 'PARAMS_INVALID', JSON.stringify(generation));
  t.strictSame(await kept(one.link, 2), { kept: 2 });
  t.strictSame(await kept(one.link, 1), { kept: 2 }, 'an older one lowers nothing');
  await one.house.restart();
  const link = await one.house.connect('root');
  t.strictSame(await kept(link, 1), { kept: 2 }, 'durably');
  const again = { ...one, ...(await connectExchanging(one.house, 'root')) };
  t.equal((await back(again)).facts.generation, 4);
  t.equal(problemOf(await restore(again, good.sealed, await orderFor(one, approvedFor(good)))), OLDER);
  t.equal(problemOf(await restore(again, given.sealed, await orderFor(one, approvedFor(given)))), 'none');
  for (const name of ['approve/default', 'bridge'])
    t.equal(await refusal(kept(await one.house.connect(name), 1)), 'METHOD_UNKNOWN', name);
});

t.test('BACKUP-10: one that nobody told of is restored like any other, and its number is known then', async (t) => {
  const one = await machine(t);
  const [first, second] = [await back(one), await back(one)];
  await kept(one.link, 1);
  t.equal(problemOf(await restore(one, second.sealed, await orderFor(one, approvedFor(second)))), 'none');
  await call(one.link, 'restore.finish');
  await one.house.restart();
  const after = { ...one, ...(await connectExchanging(one.house, 'root')) };
  one.house.clock.pass(120_000);
  t.equal(problemOf(await restore(after, first.sealed, await orderFor(after, approvedFor(first)))), OLDER);
  t.equal((await back(after)).facts.generation, 3);
});

t.test('BACKUP-4: a code for one backup restores no other, nor other services with it', async (t) => {
  const one = await machine(t);
  const old = await back(one);
  one.house.clock.pass(1000);
  const shown = await back(one);
  const OTHER = 'NOT_AUTHENTICATED: the ticket is for another backup';
  t.equal(problemOf(await restore(one, old.sealed, await orderFor(one, approvedFor(shown)))), OTHER);
  const services = [{ operator: 'default', service: 'mail', digest: DIGEST }];
  const more = { ...(await orderFor(one, approvedFor(shown))), services };
  t.equal(problemOf(await restore(one, shown.sealed, more)), OTHER, 'a service of another content');
  const lie = { ...approvedFor(old), made: shown.facts.made };
  t.equal(problemOf(await restore(one, old.sealed, await orderFor(one, lie))), OTHER, 'a time that is not its own');
  t.equal(await refusal(call(one.link, 'restore.finish')), 'NOT_FOUND', 'nothing was begun');
  t.equal(problemOf(await restore(one, shown.sealed, await orderFor(one, approvedFor(shown)))), 'none', 'negative control');
  const params = { made: shown.facts.made, digest: restoreDigest(shown.sealed, services) };
  const whole = { ...(await orderFor(one, params)), services };
  t.equal(problemOf(await restore(one, shown.sealed, whole)), 'none', 'and with the service that was approved');
});

t.test(
  'BACKUP-4: what was checked and not finished takes no phone that was enrolled, and no newer backup, meanwhile',
  async (t) => {
    const { sealed } = await back(await machine(t));
    const fresh = await machine(t, { enrolled: false });
    t.equal(problemOf(await restore(fresh, sealed)), 'none');
    const inner = fresh.house.totp.house;
    if (inner === null) throw new Error('sealed');
    enrolForDevelopment(inner, 'default', SECRET_TEXT);
    t.equal(await refusal(call(fresh.link, 'restore.finish')), 'NOT_AUTHENTICATED');
    t.match(await statusOf(fresh.house), { sealed: null, enrolled: true });

    const one = await machine(t);
    const first = await back(one);
    t.equal(problemOf(await restore(one, first.sealed, await orderFor(one, approvedFor(first)))), 'none');
    const { link } = await connectExchanging(one.house, 'root');
    await back({ ...one, ...(await connectExchanging(one.house, 'root')) });
    await kept(link, 2);
    t.equal(await refusal(call(one.link, 'restore.finish')), 'PARAMS_INVALID', 'a newer one was kept');
  },
);

t.test('a backup of another form, of operators nobody knows here or with another key changes nothing', async (t) => {
  const one = await machine(t, { enrolled: false });
  t.match(problemOf(await one.exchange(FRAME.BACKUP_REQUEST, packBlobs(KEY))), /^NOT_ENROLLED: no operator has a phone/);
  t.match(problemOf(await one.exchange(FRAME.BACKUP_REQUEST, Buffer.from('short'))), /^FRAME_INVALID/);
  t.match(problemOf(await one.exchange(FRAME.RESTORE_REQUEST, packBlobs(KEY, Buffer.from('one blob')))), /^FRAME_INVALID/);
  const { sealed } = await back(await machine(t));
  const orders: readonly unknown[] = [
    '{',
    null,
    5,
    { tickets: {} },
    { ...NOTHING, more: 1 },
    { tickets: { default: 5 }, services: [] },
    { tickets: {}, services: [1, 2].map(() => ({ operator: 'default', service: 'mail', digest: DIGEST })) },
  ];
  for (const order of orders) t.match(problemOf(await restore(one, sealed, order)), /^FRAME_INVALID/, JSON.stringify(order));
  t.match(problemOf(await restore(one, sealed, NOTHING, Buffer.alloc(32, 5))), /^VAULT_UNREADABLE/, 'another key');
  const other = sealArchive(KEY, { v: 2, operators: [] } as unknown as Archive);
  t.equal(problemOf(await restore(one, other)), 'VAULT_UNREADABLE: the backup is of another form');
  const services = [{ operator: 'bob', service: 'mail', digest: DIGEST }];
  const theirs = problemOf(await restore(one, sealed, { tickets: {}, services }));
  t.equal(
    theirs,
    'PARAMS_INVALID: the backup has a service of an operator who is not in it',
    'nobody of them was asked for a code',
  );
  t.equal(await refusal(call(one.link, 'restore.finish')), 'NOT_FOUND', 'none was begun');
  t.equal(problemOf(await restore(one, sealed)), 'none', 'negative control');
  for (const [operators, expected] of [
    [['ada'], 'ada'],
    [[], 'none'],
  ] as const) {
    const foreign = await machine(t, { enrolled: false, config: ofOperators(...operators) });
    const error = refusedWith(await restore(foreign, sealed));
    t.match(error, { code: 'NOT_FOUND', data: { expected, found: 'default' } });
  }
});
