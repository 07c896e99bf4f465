/** Backups as files: given their name at last, and never over another. */
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { serveSocket, type SocketServer } from '@airlock/ipc';
import { AirlockError } from '@airlock/protocol';
import { commandsByHand, parseBody } from '../src/backup/collect.js';
import { stageBackup, tellKept } from '../src/backup/make.js';
import { decidedBy } from '../src/backup/restore.js';
import { makeContext, withRoot, type Link } from '../src/context.js';
import type { Terminal } from '../src/terminal/terminal.js';

const dir = mkdtempSync(join(tmpdir(), 'backup-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const BYTES = Buffer.from('sealed');

const failing = (code: string): typeof linkSync => {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
};

t.test('it is on disk before anybody writes down its key, and has its name only after that', async (t) => {
  const path = join(dir, 'one');
  const staged = stageBackup(path, BYTES);
  t.same(readdirSync(dir), [`one.${process.pid}.new`]);
  staged.keep();
  t.same(readdirSync(dir), ['one']);
  t.same(readFileSync(path), BYTES);
  t.equal(statSync(path).mode & 0o777, 0o600);
  stageBackup(join(dir, 'two'), BYTES).discard();
  t.same(readdirSync(dir), ['one'], 'given up, nothing is left');
});

t.test('on a memory stick, whose files have one name each, it works as well', async (t) => {
  for (const code of ['EPERM', 'EOPNOTSUPP', 'ENOSYS']) {
    const path = join(dir, `stick-${code}`);
    stageBackup(path, BYTES, failing(code)).keep();
    t.same(readFileSync(path), BYTES, code);
    const again = stageBackup(path, Buffer.from('other'), failing(code));
    t.throws(() => again.keep(), /cannot be written \(EEXIST\)/, 'never over another');
    t.same(readFileSync(path), BYTES);
  }
  t.notOk(readdirSync(dir).some((name) => name.endsWith('.new')));
});

t.test('negative control: another failure is one, and leaves nothing', async (t) => {
  const staged = stageBackup(join(dir, 'full'), BYTES, failing('ENOSPC'));
  t.throws(() => staged.keep(), /cannot be written \(ENOSPC\)/);
  t.throws(() => stageBackup(join(dir, 'no/such'), BYTES), /cannot be written \(ENOENT\)/);
  writeFileSync(join(dir, 'there'), 'mine');
  const over = stageBackup(join(dir, 'there'), BYTES);
  t.throws(() => over.keep(), /cannot be written \(EEXIST\)/);
  t.equal(readFileSync(join(dir, 'there'), 'utf8'), 'mine');
  t.notOk(readdirSync(dir).some((name) => name.endsWith('.new') || name === 'full'));
});

t.test('what belongs to a machine is told as commands, quoted for a shell', async (t) => {
  const config = mkdtempSync(join(tmpdir(), 'backup-config-'));
  t.teardown(() => rmSync(config, { recursive: true, force: true }));
  t.same(commandsByHand({ configDir: config }), [], 'nothing where nothing was set up');
  const path = (name: string): object => ({ path: name, owner: 'ada', kind: 'maildir', name: 'ada_mail' });
  writeFileSync(join(config, 'paths.json'), JSON.stringify([path('/home/ada/Mail'), path("/home/ada/it's; rm -rf")]));
  t.same(commandsByHand({ configDir: config }), [
    'sudo airlock-ctl path allow /home/ada/Mail',
    String.raw`sudo airlock-ctl path allow '/home/ada/it'\''s; rm -rf'`,
  ]);
});

t.test('a body of the release before, without commands, is still read; one with something else is not', async (t) => {
  const body = { v: 1, totp: '', services: [], rules: null, config: {}, facts: {} };
  t.same(parseBody(Buffer.from(JSON.stringify(body))), body);
  t.throws(() => parseBody(Buffer.from(JSON.stringify({ ...body, byHand: [1] }))), { code: 'VAULT_UNREADABLE' });
});

/** What tellKept says where airlock-totp answers so, or is not there. */
const said = async (answer: (() => unknown) | null): Promise<{ text: string; told: readonly unknown[] }> => {
  const run = mkdtempSync(join(tmpdir(), 'backup-run-'));
  const told: unknown[] = [];
  let text = '';
  const terminal = { isTerminal: false, out: () => undefined, err: (more: string) => void (text += more) } as unknown as Terminal;
  const handle = (params: unknown): unknown => {
    told.push(params);
    return answer?.();
  };
  const table = { 'backup.kept': { params: () => null, permitted: () => null, handle } };
  const server: SocketServer<null> | null =
    answer === null ? null : await serveSocket<null>({ path: join(run, 'root.sock'), name: 'root', table, open: () => null });
  try {
    await tellKept(makeContext({ AIRLOCK_RUNTIME_DIR: run }, terminal, true), 7);
  } finally {
    await server?.close();
    rmSync(run, { recursive: true, force: true });
  }
  return { text, told };
};

/** What comes of the last step where airlock-totp answers so, or is gone before it does. */
const finished = async (t: { teardown(run: () => unknown): void }, answer: () => unknown): Promise<string> => {
  const run = mkdtempSync(join(tmpdir(), 'backup-run-'));
  const table = { 'restore.finish': { params: () => null, permitted: () => null, handle: answer } };
  const server = await serveSocket<null>({ path: join(run, 'root.sock'), name: 'root', table, open: () => null });
  t.teardown(() => rmSync(run, { recursive: true, force: true }));
  t.teardown(() => server.close());
  gone = () => {
    for (const connection of server.connections) connection.close();
  };
  const context = makeContext({ AIRLOCK_RUNTIME_DIR: run }, {} as Terminal, true);
  return decidedBy((finish) => withRoot(context, finish)).catch((thrown: unknown) => (thrown as AirlockError).code);
};
let gone: () => void = () => undefined;

t.test('BACKUP-5: where airlock-totp is gone before it answers, nobody is told that nothing was changed', async (t) => {
  t.equal(await finished(t, () => ({ restored: 'an id' })), 'an id');
  const refuse = (): never => {
    throw new AirlockError('UNAVAILABLE', 'airlock-gateway does not hold every service of the backup');
  };
  t.equal(await finished(t, refuse), 'UNAVAILABLE', 'what it answered');
  const die = (): Promise<never> => {
    gone();
    return new Promise(() => undefined);
  };
  t.equal(await finished(t, die), 'OUTCOME_UNKNOWN');
  const lost = new AirlockError('UNAVAILABLE', 'the connection has ended');
  await t.rejects(
    decidedBy(() => Promise.reject(lost)),
    lost,
    'before the last step nothing is changed',
  );
  const link = { call: () => Promise.resolve({ restored: 'an id' }) } as unknown as Link;
  const another = decidedBy(async (finish) => {
    await finish(link);
    throw lost;
  });
  t.equal(await another, 'an id', 'where another connection was seen to end first');
});

t.test('BACKUP-10: where airlock-totp cannot be told the backup stands, and it is said what follows', async (t) => {
  t.strictSame(await said(() => ({ kept: 7 })), { text: '', told: [{ generation: 7 }] }, 'nothing to say');
  const sealed = (): never => {
    throw new AirlockError('AUDIT_UNAVAILABLE', 'the log is full');
  };
  const hint = /hint: the backup is whole and can be restored; until a later one is kept, so can the one before it/;
  for (const answer of [null, sealed]) {
    const { text } = await said(answer);
    t.match(text, /^airlock: warning: airlock-totp was not told that backup 7 is kept \(/);
    t.match(text, hint);
  }
  t.match((await said(sealed)).text, /the log is full/);
});
