/** A log that does not continue what was signed is begun anew, decided with a code. ACCEPT-1 to ACCEPT-3, docs/spec/audit.md "Begun anew" */
import { existsSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AirlockError, type ApproveStatus, type BridgeHelloResult } from '@airlock/protocol';
import type { PendingAccept } from '../src/heads/begin-anew.js';
import { ShownTexts, isExtended, type Situation } from '../src/heads/shown.js';
import { call, codeNow, greet, openHouse, refusal, type House, type HouseSettings, type Link } from './support/daemon.js';

const GATEWAY = 'airlock-gateway' as const;
const TOTP = 'airlock-totp' as const;
const PENDING = 'log-accept.pending';

const start = async (t: Test, settings: HouseSettings = {}): Promise<House> => {
  const house = await openHouse(settings);
  t.teardown(() => house.end());
  return house;
};

const logOf = (dir: string): string =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => readFileSync(join(dir, name), 'utf8'))
    .join('');

/** The head of the own log is signed, and then the log is lost. */
const loseLog = async (house: House): Promise<void> => {
  // Its record is durable at once.
  await call(await house.connect('approve/default'), 'lock');
  for (let n = 0; n < 10; n += 1) house.totp.tick();
  await house.totp.close();
  rmSync(join(house.stateDir, 'audit'), { recursive: true });
  await house.restart();
};

interface Examined {
  readonly text: string;
  readonly digest: string;
}

const examine = (root: Link, log: string): Promise<Examined> => call<Examined>(root, 'log.examine', { operator: 'default', log });

const accept = (root: Link, log: string, code: string, digest: string): Promise<{ id: string }> =>
  call<{ id: string }>(root, 'log.accept', { operator: 'default', log, code, digest });

const statusOf = async (house: House): Promise<ApproveStatus> =>
  call<ApproveStatus>(await house.connect('approve/default'), 'status');

const helloOf = async (house: House): Promise<BridgeHelloResult> => greet(await house.connect('bridge'));

t.test('ACCEPT-3: the own log that was lost begins anew, what is left of it is set aside, and the gateway is told', async (t) => {
  const restarts: string[] = [];
  const house = await start(t, { restart: () => restarts.push('now') });
  await loseLog(house);
  t.equal((await statusOf(house)).sealed?.code, 'AUDIT_UNAVAILABLE');
  const root = await house.connect('root');
  const { text, digest } = await examine(root, TOTP);
  t.match(text, /do {7}begin the log of airlock-totp anew\n/);
  t.match(text, /signed {3}\d+ records, up to [0-9a-f]{64}\n/);
  t.equal(await refusal(examine(root, GATEWAY)), 'AUDIT_UNAVAILABLE', 'one at a time: nothing of the other can be recorded');
  const code = codeNow(house);
  t.equal(await refusal(accept(root, TOTP, code, '0'.repeat(64))), 'PARAMS_INVALID', 'ACCEPT-1: for what was shown');
  t.equal(await refusal(accept(root, TOTP, codeNow(house, 5), digest)), 'CODE_REJECTED');
  t.same(restarts, []);
  const { id } = await accept(root, TOTP, code, digest);
  t.same(restarts, ['now']);
  await house.restart();
  const { ownBegunAnew, begunAnew } = await helloOf(house);
  t.match(ownBegunAnew, { id, size: Number });
  t.equal(begunAnew, undefined);
  t.ok(existsSync(join(house.stateDir, `audit.set-aside-${id}`)));
  t.match(logOf(join(house.stateDir, 'audit')), /^\{"seq":1,.*"event":"log_accepted"/);
  await house.restart();
  t.equal((await statusOf(house)).sealed, null, 'and goes on');
  const again = await house.connect('root');
  t.equal(await refusal(examine(again, TOTP)), 'NOT_FOUND', 'nothing is wrong any more');
});

t.test('ACCEPT-1: for the log of the gateway: the alert ends, and its next log is signed from record 1', async (t) => {
  const house = await start(t);
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const root = await house.connect('root');
  t.match((await examine(root, GATEWAY)).text, /because {2}nothing is known here; .*\n {2}signed {3}nothing was signed yet\n/);
  const digests = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
  await call(bridge, 'head.sign', { size: 3, digests });
  t.equal(await refusal(call(bridge, 'head.sign', { size: 2, digests: [] })), 'AUDIT_UNAVAILABLE');
  const { text, digest } = await examine(root, GATEWAY);
  t.match(text, /because {2}.*it has 2 records, 3 were signed/);
  const code = codeNow(house);
  const { id } = await accept(root, GATEWAY, code, digest);
  t.equal(await refusal(accept(root, GATEWAY, code, digest)), 'CODE_REJECTED', 'burnt first');
  await house.restart();
  const hello = await helloOf(house);
  t.match(hello, { head: null, begunAnew: { id, size: 3 } });
  t.equal(hello.ownBegunAnew, undefined);
  const { alert, locked } = await statusOf(house);
  t.same({ alert, locked }, { alert: undefined, locked: true }, 'the lock needs a code of its own');
  const later = await house.connect('bridge');
  await greet(later);
  t.match(await call(later, 'head.sign', { size: 1, digests: ['d'.repeat(64)] }), { head: /\n1\n/ });
  t.equal((await greet(later)).begunAnew, undefined, 'told until the new log is signed');
  t.match(logOf(join(house.stateDir, 'audit')), /"event":"log_accepted"/);
});

t.test('ACCEPT-1: what an agent does meanwhile voids no code, and a code for one situation is none for another', async (t) => {
  const house = await start(t);
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const root = await house.connect('root');
  const sign = (size: number, last: string): Promise<unknown> => call(bridge, 'head.sign', { size, digests: [last.repeat(64)] });
  await sign(1, 'a');
  const shown = await examine(root, GATEWAY);
  await sign(2, 'b');
  t.not((await examine(root, GATEWAY)).digest, shown.digest, 'negative control: the text is another');
  t.equal(await refusal(accept(root, GATEWAY, '000000', '0'.repeat(64))), 'PARAMS_INVALID', 'a text that was not shown');
  t.equal(await refusal(accept(root, GATEWAY, '000000', shown.digest)), 'CODE_REJECTED', 'the code is looked at');
  t.equal(await refusal(call(bridge, 'head.sign', { size: 1, digests: [] })), 'AUDIT_UNAVAILABLE');
  t.equal(await refusal(accept(root, GATEWAY, codeNow(house), shown.digest)), 'PARAMS_INVALID', 'something else is wrong now');
  const now = await examine(root, GATEWAY);
  await house.restart();
  const again = await house.connect('root');
  t.match(await accept(again, GATEWAY, codeNow(house), now.digest), { id: String }, 'the same text after a restart');
  await house.restart();
  const later = await house.connect('bridge');
  await greet(later);
  await call(later, 'head.sign', { size: 5, digests: 'bcdef'.split('').map((one) => one.repeat(64)) });
  const root2 = await house.connect('root');
  t.equal(await refusal(accept(root2, GATEWAY, '000000', shown.digest)), 'PARAMS_INVALID', 'nor for the log that begins anew');
});

t.test('ACCEPT-1: only a head that extends the one shown is the same', (t) => {
  const shown: Situation = {
    ...{ operator: 'default', log: GATEWAY, found: 'lost', begun: null },
    head: { size: 3, hash: 'a'.repeat(64) },
  };
  t.ok(isExtended(shown, shown));
  t.ok(isExtended(shown, { ...shown, head: { size: 4, hash: 'b'.repeat(64) } }));
  for (const other of [
    { operator: 'other' },
    { log: TOTP },
    { found: 'another history' },
    { begun: 'f'.repeat(18) },
    { head: { size: 3, hash: 'b'.repeat(64) } },
    { head: { size: 2, hash: 'a'.repeat(64) } },
  ] satisfies Partial<Situation>[])
    t.notOk(isExtended(shown, { ...shown, ...other }), JSON.stringify(other));
  const texts = new ShownTexts();
  for (let n = 0; n < 20; n += 1) texts.keep(String(n), shown);
  t.same([texts.covers('3', shown), texts.covers('4', shown)], [false, true], 'the newest sixteen');
  t.end();
});

t.test('ACCEPT-1: ten wrong codes lock the terminal here too, recorded where they can be', async (t) => {
  const house = await start(t);
  const root = await house.connect('root');
  const { digest } = await examine(root, GATEWAY);
  const wrong = (): Promise<string> => refusal(accept(root, GATEWAY, codeNow(house, 5), digest));
  for (let n = 0; n < 9; n += 1) t.equal(await wrong(), 'CODE_REJECTED');
  t.equal(await wrong(), 'CODE_LOCKED_OUT');
  t.equal(await refusal(accept(root, GATEWAY, codeNow(house), digest)), 'CODE_LOCKED_OUT', 'a right one is not looked at');
  t.equal(logOf(join(house.stateDir, 'audit')).match(/"event":"code_rejected"/g)?.length, 10);
});

t.test('a daemon that is sealed for another reason begins no log anew', async (t) => {
  const house = await start(t, { configProblem: new AirlockError('CONFIG_INVALID', 'airlock.yaml') });
  t.equal(await refusal(examine(await house.connect('root'), TOTP)), 'CONFIG_INVALID');
});

const DECIDED: PendingAccept = {
  ...{ id: '0123456789abcdef01', log: TOTP, size: 1, hash: 'a'.repeat(64), note: null },
  ...{ found: 'lost', operator: 'default', at: '2026-01-01T00:00:00.000Z' },
};
/** Starts with this decision before it. */
const decided = async (house: House, decision: unknown): Promise<ApproveStatus['sealed']> => {
  await house.totp.close();
  writeFileSync(join(house.stateDir, PENDING), typeof decision === 'string' ? decision : JSON.stringify(decision), {
    mode: 0o600,
  });
  await house.restart();
  return (await statusOf(house)).sealed;
};

t.test('ACCEPT-2: a decision that is damaged is not carried out, and named', async (t) => {
  const house = await start(t);
  const less = { log: DECIDED.log, size: DECIDED.size };
  for (const damaged of [
    '{',
    null,
    5,
    {},
    less,
    { ...DECIDED, log: 'another' },
    { ...DECIDED, id: '../x' },
    { ...DECIDED, size: 'x' },
  ])
    t.match(await decided(house, damaged), { code: 'VAULT_UNREADABLE', message: /log-accept\.pending: is damaged/ });
  t.notOk(readdirSync(house.stateDir).some((name) => name.startsWith('audit.set-aside')));
  t.equal(await decided(house, DECIDED), null, 'negative control');
  t.ok(existsSync(join(house.stateDir, `audit.set-aside-${DECIDED.id}`)));
});

t.test('ACCEPT-2: killed after any step, the next start carries on', async (t) => {
  const house = await start(t);
  await house.totp.close();
  rmSync(join(house.stateDir, 'audit'), { recursive: true });
  t.equal(await decided(house, DECIDED), null, 'there is nothing to set aside');
  t.notOk(existsSync(join(house.stateDir, `audit.set-aside-${DECIDED.id}`)));
  t.equal(await decided(house, { ...DECIDED, id: 'f'.repeat(18) }), null);
  const first = logOf(join(house.stateDir, `audit.set-aside-${'f'.repeat(18)}`));
  t.equal(await decided(house, { ...DECIDED, id: 'f'.repeat(18) }), null, 'all was done but forgetting it');
  t.equal(logOf(join(house.stateDir, `audit.set-aside-${'f'.repeat(18)}`)), first, 'the new log is not set aside for it');
  t.notOk(existsSync(join(house.stateDir, PENDING)));
});

t.test('ACCEPT-2: what cannot be set aside stops the start, and stays decided', async (t) => {
  const house = await start(t);
  symlinkSync('/nowhere/at/all', join(house.stateDir, `audit.set-aside-${DECIDED.id}`));
  t.match(await decided(house, DECIDED), { code: 'VAULT_UNREADABLE', message: /audit cannot be set aside \(ENOTDIR\)/ });
  t.ok(existsSync(join(house.stateDir, PENDING)));
});
