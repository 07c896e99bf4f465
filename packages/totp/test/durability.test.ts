/** Restarts, reboots, clocks that jump, disks that fail at every single write. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generateHeadKey, parsePrivateKey, signHead } from '@airlock/audit';
import { AirlockError, type ApproveStatus, type BridgeHelloResult, type RequestState } from '@airlock/protocol';
import { nodeStateFs, type StateFs } from '../src/state/state-fs.js';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  front,
  greet,
  openHouse,
  refusal,
  type House,
  type Link,
} from './support/daemon.js';

const bridgeOf = async (house: House): Promise<{ bridge: Link; hello: BridgeHelloResult }> => {
  const bridge = await house.connect('bridge');
  return { bridge, hello: await greet(bridge) };
};

t.test('a restart in the same boot keeps leases, used steps, requests and undelivered texts (QUEUE-13)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const { bridge, hello } = await bridgeOf(house);
  const approve = await house.connect('approve/default');
  const { request } = await askFor(bridge);
  const { lease } = await approveFront(house, approve);
  const code = codeNow(house);
  const waits = await askFor(bridge, { session: 's-waits' });
  await call(approve, 'action.open', { verb: 'unlock', params: {} });
  await house.restart();
  const after = await bridgeOf(house);
  t.equal(after.hello.kid, hello.kid, 'the same lease key');
  t.same(
    after.hello.leases.map(({ id }) => id),
    [lease?.id],
  );
  t.match(await call(after.bridge, 'request.take', { request }), { lease: /^al1\./ });
  await house.restart();
  const third = await bridgeOf(house);
  t.equal(await refusal(call(third.bridge, 'request.take', { request })), 'NOT_FOUND', 'that it was handed out is durable');
  const shown = await front(await house.connect('approve/default'));
  t.equal(shown.id, waits.request);
  const again = await house.connect('approve/default');
  t.equal(
    await refusal(call(again, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code })),
    'CODE_REJECTED',
  );
});

t.test('a front action that ends with a restart raises the floor (QUEUE-13)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  await call(await house.connect('approve/default'), 'action.open', { verb: 'unlock', params: {} });
  await house.restart();
  const { bridge } = await bridgeOf(house);
  await askFor(bridge);
  const shown = await front(await house.connect('approve/default'));
  t.equal(shown.needsMatch, true);
  t.ok(shown.waitS > 0);
});

t.test('a new boot ends every lease and request', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const { bridge, hello } = await bridgeOf(house);
  await askFor(bridge);
  const approved = await approveFront(house, await house.connect('approve/default'));
  const waits = await askFor(bridge, { session: 's-waits' });
  house.bootId = 'boot2';
  house.clock.boot = 5000;
  await house.restart();
  const after = await bridgeOf(house);
  t.same(after.hello.leases, []);
  t.not(after.hello.kid, hello.kid, 'another lease key');
  t.equal((await call<RequestState>(after.bridge, 'request.get', { request: waits.request })).status, 'expired');
  t.equal(await refusal(call(after.bridge, 'request.take', { request: approved.request })), 'LEASE_EXPIRED');
  const log = readdirSync(join(house.stateDir, 'audit')).find((name) => name.endsWith('.jsonl')) ?? '';
  t.match(readFileSync(join(house.stateDir, 'audit', log), 'utf8'), /"event":"lease_expired".*"reboot"/);
});

t.test('leases end on either clock; a wall clock set back or forth gives nothing (REGISTER-1, QUEUE-4)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const { bridge } = await bridgeOf(house);
  const approve = await house.connect('approve/default');
  const live = async (): Promise<number> => (await call<ApproveStatus>(approve, 'status')).leases;
  await askFor(bridge);
  const code = codeNow(house);
  await approveFront(house, approve);
  house.clock.wall -= 10 * 365 * 86_400_000;
  t.equal(await live(), 1);
  house.clock.boot += 3_600_000;
  t.equal(await live(), 0, 'boot time is over, though the wall says years are left');
  house.clock.wall += 10 * 365 * 86_400_000;
  await askFor(bridge, { session: 's-two' });
  const shown = await front(approve);
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, match: shown.match, code })),
    'CODE_REJECTED',
    'a used code of the same step',
  );
  await approveFront(house, approve);
  t.equal(await live(), 1);
  house.clock.wall += 3_600_000;
  t.equal(await live(), 0, 'the wall is over');
});

/** Fails at the n-th call that changes anything, and from then on: what a power cut leaves behind. */
const failingAfter = (calls: number): StateFs & { readonly hasFailed: () => boolean } => {
  let left = calls;
  const step = (): void => {
    left -= 1;
    if (left < 0) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  const guarded =
    <A extends readonly unknown[], R>(run: (...args: A) => R) =>
    (...args: A): R => {
      step();
      return run(...args);
    };
  return {
    ...nodeStateFs,
    write: guarded((fd: number, bytes: Uint8Array, offset: number) => nodeStateFs.write(fd, bytes, offset)),
    datasync: guarded((fd: number) => nodeStateFs.datasync(fd)),
    sync: guarded((fd: number) => nodeStateFs.sync(fd)),
    rename: guarded((from: string, to: string) => nodeStateFs.rename(from, to)),
    hasFailed: () => left < 0,
  };
};

t.test('at every failing write: no code works twice, no lease without its record, nothing durable is lost', async (t) => {
  let failures = 0;
  for (let calls = 0; calls < 60; calls += 1) {
    const house = await openHouse();
    const before = await bridgeOf(house);
    const { request } = await askFor(before.bridge);
    const fs = failingAfter(calls);
    await house.restart({ fs });
    const approve = await house.connect('approve/default');
    const shown =
      (await call<{ front: { id: string; digest: string } | null }>(approve, 'pending').catch(() => null))?.front ?? null;
    const code = codeNow(house);
    const params = { request, digest: shown?.digest ?? '0'.repeat(64), code };
    const first = await refusal(call(approve, 'request.approve', params));
    const hasFailed = fs.hasFailed();
    if (hasFailed) failures += 1;
    t.ok(first === 'none' || first === 'VAULT_UNREADABLE', `${calls}: ${first}`);
    await house.restart({});
    const after = await bridgeOf(house);
    const again = await house.connect('approve/default');
    const state = await call<RequestState>(after.bridge, 'request.get', { request });
    if (first === 'none') t.equal(state.status, 'approved', `${calls}: what was answered is durable`);
    const second = state.status === 'pending' ? await refusal(call(again, 'request.approve', params)) : 'decided';
    const leases = (await call<ApproveStatus>(again, 'status')).leases;
    t.ok(leases <= 1, `${calls}: at most one lease`);
    const log = readdirSync(join(house.stateDir, 'audit'))
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => readFileSync(join(house.stateDir, 'audit', name), 'utf8'))
      .join('');
    const verified = (log.match(/"event":"totp_verified"/g) ?? []).length;
    t.ok(verified >= leases && verified <= 1, `${calls}: one code, one approval (${verified} recorded, then ${second})`);
    await house.end();
    if (!hasFailed) break;
  }
  t.ok(failures > 5, `${failures} different writes failed`);
});

const sealedReason = async (house: House): Promise<ApproveStatus['sealed']> =>
  (await call<ApproveStatus>(await house.connect('approve/default'), 'status')).sealed;

/** HEADS-3: the size in the gateway's head is another one, its signature is not. */
const forgeHead = (path: string): void => {
  const notes = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string | null>;
  const note = signHead(parsePrivateKey(generateHeadKey('airlock-gateway').privateKey), 'airlock-gateway', {
    size: 1,
    hash: '0'.repeat(64),
  });
  writeFileSync(path, JSON.stringify({ ...notes, 'airlock-gateway': note }));
};

t.test('state that cannot be trusted starts sealed, with the file named, and is left as it is (STATE-1, STATE-3)', async (t) => {
  const cases: readonly (readonly [string, (dir: string) => void])[] = [
    ['default.state', (dir) => writeFileSync(join(dir, 'default.state'), '{"v":1,"digest":"00","state":{}}')],
    ['default.state', (dir) => writeFileSync(join(dir, 'default.state'), 'not json')],
    ['default.state', (dir) => rmSync(join(dir, 'default.state'))],
    ['default.secret', (dir) => writeFileSync(join(dir, 'default.secret'), Buffer.alloc(200))],
    ['default.state', (dir) => chmodSync(join(dir, 'default.state'), 0o666)],
    ['wrap.key', (dir) => writeFileSync(join(dir, 'wrap.key'), 'short')],
    ['lease.root', (dir) => writeFileSync(join(dir, 'lease.root'), Buffer.alloc(60))],
    ['heads', (dir) => writeFileSync(join(dir, 'heads'), '[]x')],
    ['heads', (dir) => rmSync(join(dir, 'heads'))],
    ['heads', (dir) => forgeHead(join(dir, 'heads'))],
    [
      'default.secret',
      (dir) => {
        renameSync(join(dir, 'default.secret'), join(dir, 'moved'));
        symlinkSync(join(dir, 'moved'), join(dir, 'default.secret'));
      },
    ],
    [
      'state',
      (dir) => {
        renameSync(dir, `${dir}.moved`);
        symlinkSync(`${dir}.moved`, dir);
      },
    ],
  ];
  for (const [file, damage] of cases) {
    const house = await openHouse();
    await house.totp.close();
    damage(house.stateDir);
    await house.restart({ prepare: () => undefined });
    const reason = await sealedReason(house);
    t.equal(reason?.code, 'VAULT_UNREADABLE', file);
    t.match(reason?.message, file);
    t.equal(await refusal(call(await house.connect('approve/default'), 'pending')), 'VAULT_UNREADABLE');
    t.equal(await refusal(greet(await house.connect('bridge'))), 'VAULT_UNREADABLE');
    const root = await house.connect('root');
    t.equal(await refusal(call(root, 'enrol.begin', { operator: 'default' })), 'VAULT_UNREADABLE');
    await house.end();
  }
});

t.test('a log that cannot be used refuses all but the diagnosis; a bad configuration too', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const { bridge } = await bridgeOf(house);
  await askFor(bridge);
  await house.totp.close();
  const log = join(house.stateDir, 'audit');
  renameSync(log, `${log}.moved`);
  mkdirSync(log);
  await house.restart();
  t.equal((await sealedReason(house))?.code, undefined, 'without a signed head an empty log is a new one');
  await house.totp.close();
  rmSync(log, { recursive: true });
  writeFileSync(log, 'a file');
  await house.restart();
  t.equal((await sealedReason(house))?.code, 'AUDIT_UNAVAILABLE');
  const approve = await house.connect('approve/default');
  const shown = await front(approve);
  t.equal(
    await refusal(call(approve, 'request.approve', { request: shown.id, digest: shown.digest, code: codeNow(house) })),
    'AUDIT_UNAVAILABLE',
  );
  t.equal(await refusal(call(approve, 'request.deny')), 'AUDIT_UNAVAILABLE');
  t.equal(await refusal(greet(await house.connect('bridge'))), 'AUDIT_UNAVAILABLE');
  rmSync(log);
  await house.restart({ configProblem: new AirlockError('CONFIG_INVALID', 'airlock.yaml: totp.digits') });
  t.equal((await sealedReason(house))?.code, 'CONFIG_INVALID');
  t.ok(existsSync(join(house.stateDir, 'default.state')));
});
