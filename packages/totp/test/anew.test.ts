/** Logs that are begun anew, grow old or cannot be written, and backups: what is signed, kept, told and refused. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openLog } from '@airlock/audit';
import {
  AirlockError,
  DEFAULT_CONFIG,
  FRAME,
  fromWireError,
  isoTime,
  packBlobs,
  restoreDigest,
  unpackBlobs,
  type ErrorCode,
  type WireError,
} from '@airlock/protocol';
import { asWrappingKey, sealBlob } from '@airlock/vault';
import { readCounter } from '../src/backup/counter.js';
import { AuditAlert } from '../src/heads/alert.js';
import { beginAnew, readPendingAccept, writePendingAccept, type PendingAccept } from '../src/heads/begin-anew.js';
import type { Examined } from '../src/heads/accept.js';
import { GATEWAY_LOG, Heads, TOTP_LOG, decideNextHead } from '../src/heads/heads.js';
import { retention } from '../src/heads/retention.js';
import { TOTP_LIMITS } from '../src/limits.js';
import { deskOf, type House as Inner } from '../src/operators/house.js';
import { StateDirectory } from '../src/state/directory.js';
import { nodeStateFs } from '../src/state/state-fs.js';
import {
  approveFront,
  askFor,
  call,
  codeNow,
  greet,
  openHouse,
  refusal,
  type House,
  type HouseSettings,
  type Link,
} from './support/daemon.js';

const W = Buffer.alloc(32, 7);
const EMPTY = Buffer.alloc(0);

const innerOf = (house: House): Inner => {
  if (house.totp.house === null) throw new Error('sealed');
  return house.totp.house;
};

const open = async (t: Test, settings: HouseSettings = {}): Promise<House> => {
  const house = await openHouse(settings);
  t.teardown(() => house.end());
  return house;
};

const directoryIn = (t: Test): StateDirectory => {
  const path = join(t.testdir(), 'state');
  return new StateDirectory({ path });
};

const problem = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (thrown) {
    return thrown instanceof AirlockError ? `${thrown.code} ${thrown.message}`.replace(/\S*\//g, '') : String(thrown);
  }
};

/** Examined, and accepted with a code. */
const accept = async (house: House, log: string): Promise<void> => {
  const root = await house.connect('root');
  const { digest } = await call<Examined>(root, 'log.examine', { operator: 'default', log });
  house.clock.pass(60_000);
  await call(root, 'log.accept', { operator: 'default', log, digest, code: codeNow(house) });
};

const logOf = (house: House): string =>
  readdirSync(join(house.stateDir, 'audit'))
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(house.stateDir, 'audit', name), 'utf8'))
    .join('');

t.test('ACCEPT-2: the log of the gateway is begun anew at the next start, which every hello tells', async (t) => {
  let restarts = 0;
  const house = await open(t, { restart: () => (restarts += 1) });
  const bridge = await house.connect('bridge');
  await greet(bridge);
  await call(bridge, 'head.sign', { size: 1, digests: ['00'.repeat(32)] });
  t.equal(await refusal(call(bridge, 'head.sign', { size: 0, digests: [] })), 'AUDIT_UNAVAILABLE');
  t.match(innerOf(house).alert.view, { message: /1 were signed/ });
  await accept(house, GATEWAY_LOG);
  t.equal(restarts, 1);
  await house.restart();
  t.equal(innerOf(house).alert.view, null, 'with the log its alert is given up');
  const hello = await greet(await house.connect('bridge'));
  t.match(hello, { head: null, begunAnew: { size: 1 } });
  t.notOk('ownBegunAnew' in hello);
  await house.restart();
  t.match(await greet(await house.connect('bridge')), { begunAnew: { size: 1 } }, 'done once, told until there is a head');
});

t.test('ACCEPT-3: the own log is set aside as it is, and the new one says what it follows', async (t) => {
  const house = await open(t);
  const { journal, heads } = innerOf(house);
  journal.record('totp_verified', { operator: 'default' });
  heads.sign(TOTP_LOG, journal.durableHead());
  const dir = join(house.stateDir, 'audit');
  const segments = readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
  for (const name of segments) rmSync(join(dir, name));
  await house.restart();
  const root = await house.connect('root');
  t.match(await call(root, 'status', { operator: 'default' }), { sealed: { code: 'AUDIT_UNAVAILABLE' } });
  await accept(house, TOTP_LOG);
  await house.restart();
  t.equal(innerOf(house).sealed(), null);
  t.ok(readdirSync(house.stateDir).some((name) => name.startsWith('audit.set-aside-')));
  t.match(logOf(house).split('\n')[0], /"seq":1,.*"event":"log_accepted"/);
  t.match(await greet(await house.connect('bridge')), { ownBegunAnew: { size: heads.last(TOTP_LOG).size } });
});

t.test('ACCEPT-2: what was decided and makes no sense stops the start by name', (t) => {
  const directory = directoryIn(t);
  t.equal(readPendingAccept(directory), null);
  const whole: PendingAccept = {
    ...{ id: '0'.repeat(18), log: TOTP_LOG, size: 1, hash: 'h', note: null, found: 'f', operator: 'default', at: 'a' },
  };
  writePendingAccept(directory, whole);
  t.same(readPendingAccept(directory), whole);
  const damaged = ['{', 'null', '{}', JSON.stringify({ ...whole, log: 'another' }), JSON.stringify({ ...whole, id: '../..' })];
  damaged.push(JSON.stringify({ ...whole, id: undefined }));
  for (const text of [...damaged, JSON.stringify({ ...whole, note: 1 })]) {
    directory.write('log-accept.pending', Buffer.from(text));
    t.equal(
      problem(() => readPendingAccept(directory)),
      'VAULT_UNREADABLE log-accept.pending: is damaged',
      text,
    );
  }
  t.end();
});

t.test('ACCEPT-1: the code is for what was shown, counts like any other, and only for a log with something wrong', async (t) => {
  const house = await open(t);
  const inner = innerOf(house);
  const desk = deskOf(inner, 'default');
  const root = await house.connect('root');
  const examine = (log: string): Promise<Examined> => call<Examined>(root, 'log.examine', { operator: 'default', log });
  t.equal(await refusal(examine(TOTP_LOG)), 'NOT_FOUND', 'nothing is wrong with the own log');
  const { text, digest } = await examine(GATEWAY_LOG);
  t.match(text, /because  nothing is known here/);
  t.match(text, /signed   nothing was signed yet/);
  const give = (code: string, shown = digest): Promise<ErrorCode | 'none'> =>
    refusal(call(root, 'log.accept', { operator: 'default', log: GATEWAY_LOG, code, digest: shown }));
  house.clock.pass(60_000);
  t.equal(await give(codeNow(house), 'f'.repeat(64)), 'PARAMS_INVALID');
  t.equal(desk.state.failures.terminal, 0, 'the code was not looked at');
  t.equal(await give('000000'), 'CODE_REJECTED');
  t.equal(desk.state.failures.terminal, 1);
  t.equal(await give(codeNow(house)), 'none');
  t.equal(await give(codeNow(house)), 'CODE_REJECTED', 'burnt');
  t.equal(desk.state.failures.terminal, 0, 'the same code again is no guess');
  for (let n = 1; n < TOTP_LIMITS.maxFailures; n += 1) await give('000000');
  t.equal(await give('000000'), 'CODE_LOCKED_OUT');
  house.clock.pass(60_000);
  t.equal(await give(codeNow(house)), 'CODE_LOCKED_OUT');
  inner.seal(new AirlockError('VAULT_UNREADABLE', 'full'));
  t.equal(await refusal(examine(GATEWAY_LOG)), 'VAULT_UNREADABLE', 'of a daemon that is sealed only the own log');
  t.equal(await refusal(examine(TOTP_LOG)), 'VAULT_UNREADABLE');
});

t.test('ACCEPT-2: carried out again it changes nothing; a log that cannot be set aside stops the start', (t) => {
  const directory = directoryIn(t);
  const heads = new Heads(directory, W, false);
  const alert = new AuditAlert(directory);
  const pending = { id: '0'.repeat(18), log: TOTP_LOG, size: 0, hash: '', note: null, found: '', operator: '', at: '' } as const;
  const begin = (logDir: string): unknown => beginAnew(directory, heads, alert, logDir);
  t.equal(begin('/nowhere'), null, 'nothing was decided');
  writePendingAccept(directory, pending);
  const logDir = join(directory.path, 'audit');
  t.match(begin(logDir), { log: TOTP_LOG }, 'a log that is gone');
  mkdirSync(logDir);
  for (let n = 0; n < 2; n += 1) begin(logDir);
  mkdirSync(logDir);
  const before = directory.read('heads');
  begin(logDir);
  t.ok(existsSync(logDir), 'the new log stays where it is');
  t.same(directory.read('heads'), before);
  t.same(heads.givenUp(TOTP_LOG), { id: pending.id, size: 0, hash: '' });
  for (const digit of '123') heads.giveUp(TOTP_LOG, { ...pending, id: digit.repeat(18) });
  t.same(
    heads.givenUp(TOTP_LOG)?.before,
    ['0', '1', '2'].map((digit) => digit.repeat(18)),
    'those of before are known (BRIDGE-8)',
  );
  // With what is added to it the name is longer than a file system takes.
  const long = join(directory.path, 'a'.repeat(250));
  mkdirSync(long);
  t.match(
    problem(() => begin(long)),
    /VAULT_UNREADABLE a+ cannot be set aside \(ENAMETOOLONG\)/,
  );
  t.end();
});

t.test('HEADS-3: keys and heads that were swapped or replaced are refused by name', (t) => {
  const directory = directoryIn(t);
  const heads = new Heads(directory, W, false);
  const note = heads.sign(TOTP_LOG, { size: 1, hash: '0'.repeat(64) });
  t.equal(new Heads(directory, W, false).last(TOTP_LOG).size, 1, 'negative control');
  for (const notes of [
    { [TOTP_LOG]: null, [GATEWAY_LOG]: note },
    { [TOTP_LOG]: 'no note', [GATEWAY_LOG]: null },
  ]) {
    directory.write('heads', Buffer.from(JSON.stringify(notes)));
    t.equal(
      problem(() => new Heads(directory, W, false)),
      'VAULT_UNREADABLE heads: is damaged',
    );
  }
  directory.write('head-key.totp', directory.read('head-key.gateway') ?? EMPTY);
  t.equal(
    problem(() => new Heads(directory, W, false)),
    'VAULT_UNREADABLE head-key.totp: does not open with the wrapping key',
    'the key of another log in its place',
  );
  t.end();
});

t.test('BRIDGE-5: a head that skips or repeats records is not signed', (t) => {
  const last = { size: 2, hash: '0'.repeat(64) };
  const digests = ['00'.repeat(32)];
  for (const size of [1, 2, 4]) t.match(decideNextHead(last, { size, digests }), { problem: /2 (records )?were signed/ });
  t.match(decideNextHead(last, { size: 3, digests, hash: 'f'.repeat(64) }), { problem: /another history/ });
  t.match(decideNextHead(last, { size: 3, digests }), { size: 3 }, 'negative control');
  t.end();
});

t.test(
  'AUDIT-25: segments past their days go once an hour, one by one, after a head covers what is recorded of them',
  async (t) => {
    const house = await open(t, { config: { ...DEFAULT_CONFIG, audit: { ...DEFAULT_CONFIG.audit, retainDays: 7 } } });
    const dir = join(house.stateDir, 'audit');
    const segments = (): string[] => readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
    const ticks = (): void => {
      for (let n = 0; n < 10; n += 1) house.totp.tick();
    };
    innerOf(house).journal.record('totp_verified', { operator: 'default' });
    const [first = ''] = segments();
    house.clock.pass(20 * 86_400_000);
    innerOf(house).journal.record('totp_verified', { operator: 'default' });
    t.equal(segments().length, 2);
    ticks();
    house.clock.pass(TOTP_LIMITS.pruneIntervalMs);
    ticks();
    t.notOk(segments().includes(first));
    t.match(logOf(house), new RegExp(`"event":"log_pruned".*${first}`));
    t.equal(innerOf(house).sealed(), null);
  },
);

t.test('AUDIT-27: a segment that could not be removed is tried again an hour later', (t) => {
  let [bootMs, tries] = [0, 0];
  const last = (): never => {
    tries += 1;
    throw new Error('full');
  };
  const keep = retention({
    ...{ clock: { bootMs: () => bootMs, wallMs: () => 0 }, sealed: () => null, directory: { path: '/nowhere' } },
    ...{ config: DEFAULT_CONFIG, heads: { last } },
  } as never);
  for (let n = 0; n < 3; n += 1) keep();
  t.equal(tries, 1);
  bootMs += TOTP_LIMITS.pruneIntervalMs;
  keep();
  t.equal(tries, 2);
  t.end();
});

t.test('DESK-2: a disk that takes nothing seals at the next tick, ends what is open, and prunes nothing', async (t) => {
  for (const what of ['state', 'heads'] as const) {
    let isFull = false;
    const full = (): never => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    const rename = (from: string, to: string): void => (isFull && to.endsWith(what) ? full() : nodeStateFs.rename(from, to));
    const house = await open(t, { fs: { ...nodeStateFs, rename } });
    const bridge = await house.connect('bridge');
    await greet(bridge);
    await askFor(bridge);
    for (let n = 0; n < 10; n += 1) house.totp.tick();
    const inner = innerOf(house);
    t.equal(inner.sealed(), null, 'negative control');
    isFull = true;
    if (what === 'state') house.clock.pass(3_600_000);
    inner.journal.record('totp_verified', { operator: 'default' });
    for (let n = 0; n < 20; n += 1) house.totp.tick();
    t.match(inner.sealed(), { code: 'VAULT_UNREADABLE', message: /ENOSPC/ }, what);
    t.equal(await refusal(call(bridge, 'heartbeat')), 'VAULT_UNREADABLE');
  }
});

t.test('a log that cannot be used seals, and the system has a clock of its own', async (t) => {
  const house = await open(t, {
    openLog: (options) => {
      const log = openLog(options);
      return new Proxy(log, {
        get: (of, name) => {
          const value: unknown = name === 'sealed' ? new AirlockError('AUDIT_UNAVAILABLE', 'no') : Reflect.get(of, name, of);
          return typeof value === 'function' ? (value.bind(of) as unknown) : value;
        },
      });
    },
    enrolled: false,
  });
  t.match(innerOf(house).sealed(), { code: 'AUDIT_UNAVAILABLE' });
  const own = await open(t, { clock: undefined } as never);
  t.ok(Math.abs(innerOf(own).clock.wallMs() - Date.now()) < 60_000);
});

t.test('a counter of backups that is damaged is said, never taken for none', (t) => {
  const directory = directoryIn(t);
  t.same(readCounter(directory), { made: 0, kept: 0, restored: null, due: null });
  for (const text of ['{', 'null', '{"made":-1,"restored":null}', '{"made":1}', '{"made":"1","restored":null}']) {
    writeFileSync(join(directory.path, 'backups'), text, { mode: 0o600 });
    t.equal(
      problem(() => readCounter(directory)),
      'VAULT_UNREADABLE backups: is damaged',
      text,
    );
  }
  t.end();
});

interface Asking {
  readonly root: Link;
  readonly ask: (type: number, payload: Buffer) => Promise<{ readonly type: number; readonly payload: Buffer }>;
}

const asking = async (house: House): Promise<Asking> => {
  let answer: (value: { type: number; payload: Buffer }) => void = () => undefined;
  const root = await house.connect('root', (type, payload) => answer({ type, payload }));
  const ask = (type: number, payload: Buffer): ReturnType<Asking['ask']> =>
    new Promise((resolve) => {
      answer = resolve;
      root.sendBinary(type, payload);
    });
  return { root, ask };
};

const codeOf = ({ payload }: { readonly payload: Buffer }): string => {
  const [bytes = EMPTY] = unpackBlobs(payload, 0, 1)?.blobs ?? [];
  return fromWireError(JSON.parse(bytes.toString('utf8')) as WireError).code;
};

t.test('BACKUP-4: a backup is restored onto an enrolled operator with a ticket of the present phone only', async (t) => {
  const house = await open(t);
  const approve = await house.connect('approve/default');
  const { root, ask } = await asking(house);
  t.equal(codeOf(await ask(FRAME.BACKUP_REQUEST, Buffer.from('short'))), 'FRAME_INVALID');
  t.equal(codeOf(await ask(FRAME.RESTORE_REQUEST, Buffer.from('short'))), 'FRAME_INVALID');
  const made = await ask(FRAME.BACKUP_REQUEST, packBlobs(W));
  t.equal(made.type, FRAME.BACKUP);
  const [sealed = EMPTY, facts = EMPTY] = unpackBlobs(made.payload, 0, 2)?.blobs ?? [];
  const restore = (tickets: object): ReturnType<Asking['ask']> =>
    ask(FRAME.RESTORE_REQUEST, packBlobs(W, sealed, Buffer.from(JSON.stringify({ tickets, services: [] }))));
  t.equal(codeOf(await restore({})), 'NOT_AUTHENTICATED');
  const { made: time } = JSON.parse(facts.toString()) as { made: string };
  await call(approve, 'action.open', { verb: 'restore', params: { made: time, digest: restoreDigest(sealed, []) } });
  const { ticket } = await approveFront(house, approve);
  t.equal((await restore({ default: ticket })).type, FRAME.RESTORE);
  await call(root, 'restore.finish');
  t.match(innerOf(house).sealed(), { code: 'UNAVAILABLE' });
  await house.restart();
  t.match(await greet(await house.connect('bridge')), { restored: /./, operators: [{ enrolled: true }] });
  t.equal(deskOf(innerOf(house), 'default').state.front, null);
});

t.test('BACKUP-4: what is no backup, of another machine or older than the newest is refused, and nothing is begun', async (t) => {
  const house = await open(t);
  const approve = await house.connect('approve/default');
  const { root, ask } = await asking(house);
  const backup = async (): Promise<Buffer> =>
    unpackBlobs((await ask(FRAME.BACKUP_REQUEST, packBlobs(W))).payload, 0, 2)?.blobs[0] ?? EMPTY;
  const restore = (from: Asking, sealed: Buffer, order: unknown): ReturnType<Asking['ask']> =>
    from.ask(FRAME.RESTORE_REQUEST, packBlobs(W, sealed, Buffer.from(typeof order === 'string' ? order : JSON.stringify(order))));
  const none = { tickets: {}, services: [] };
  const here = { root, ask };
  const [old, newest] = [await backup(), await backup()];
  for (const order of ['{', 'null', '{}']) t.equal(codeOf(await restore(here, newest, order)), 'FRAME_INVALID', order);
  const other = sealBlob({ key: asWrappingKey(W), purpose: 'backup/totp', plaintext: Buffer.alloc(3) });
  t.equal(codeOf(await restore(here, Buffer.from(other), none)), 'VAULT_UNREADABLE');
  const odd = { tickets: { default: `${'A'.repeat(42)}B` }, services: [] };
  t.equal(codeOf(await restore(here, newest, odd)), 'NOT_AUTHENTICATED', 'a ticket that is no base64url');
  await call(root, 'backup.kept', { generation: 2 });
  const params = { made: isoTime(house.clock.wallMs()), digest: restoreDigest(old, []) };
  await call(approve, 'action.open', { verb: 'restore', params });
  const { ticket } = await approveFront(house, approve);
  t.equal(codeOf(await restore(here, old, { tickets: { default: ticket }, services: [] })), 'PARAMS_INVALID');
  t.equal(await refusal(call(root, 'restore.finish')), 'NOT_FOUND');

  const empty = await asking(await open(t, { enrolled: false }));
  t.equal(codeOf(await empty.ask(FRAME.BACKUP_REQUEST, packBlobs(W))), 'NOT_ENROLLED', 'nothing to keep');
  t.equal((await restore(empty, old, none)).type, FRAME.RESTORE, 'onto a machine that is not enrolled any');
  const service = { operator: 'default', service: 'mail', digest: '0'.repeat(64) };
  const { payload } = await restore(empty, old, { ...none, services: [service] });
  const [answer = EMPTY] = unpackBlobs(payload, 0, 1)?.blobs ?? [];
  t.match(JSON.parse(answer.toString()), { tickets: [/^[\w-]{43}$/] }, 'a ticket for each service of the gateway');
  const strange = { ...none, services: [{ operator: 'eve', service: 'mail', digest: '0'.repeat(64) }] };
  t.equal(codeOf(await restore(empty, old, strange)), 'PARAMS_INVALID', 'of an operator who is not in it');
  const ada = await asking(await open(t, { enrolled: false, config: { ...DEFAULT_CONFIG, operators: ['ada'] } }));
  t.equal(codeOf(await restore(ada, newest, none)), 'NOT_FOUND', 'an operator who is not set up here');
  const nobody = await asking(await open(t, { enrolled: false, config: { ...DEFAULT_CONFIG, operators: [] } }));
  t.equal(codeOf(await restore(nobody, newest, none)), 'NOT_FOUND', 'where nobody is');
});
