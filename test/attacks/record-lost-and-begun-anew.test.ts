// Attack: lose, fork, roll back or damage the record, and what root can then accept with a code. ACCEPT-1 to ACCEPT-5.
import { Chain, lineDigest, verifyLog } from '@airlock/audit';
import { connectSocket } from '@airlock/ipc';
import type { ApproveStatus, GatewayStatus } from '@airlock/protocol';
import {
  addMailbox,
  daemonOf,
  obtainLease,
  openSession,
  restartWith,
  startTestInstance,
  until,
  untilServing,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { untilSigned } from './state-files.js';

type Daemon = 'airlock-gateway' | 'airlock-totp';

let running: Running;
t.setTimeout(300_000);
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
});
t.teardown(() => running.stop());

const base = (daemon: Daemon): string => join(running.env['AIRLOCK_STATE_DIR'] ?? '', daemon.replace('airlock-', ''));
const logOf = (daemon: Daemon): string => join(base(daemon), 'audit');
const segmentOf = (dir: string): string => join(dir, readdirSync(dir).find((name) => name.endsWith('.jsonl')) ?? 'none');
const linesOf = (dir: string): string[] => readFileSync(segmentOf(dir), 'utf8').split('\n').slice(0, -1);
/** Empty where there is none (yet). */
const firstOf = (daemon: Daemon): string => {
  try {
    return linesOf(logOf(daemon))[0] ?? '';
  } catch {
    return '';
  }
};
const asides = (daemon: Daemon): string[] => readdirSync(base(daemon)).filter((name) => name.includes('set-aside'));

const ask = async <T>(socket: string, method: string, params: object = {}): Promise<T> => {
  const link = await connectSocket(running.sockets[socket] ?? '');
  try {
    return (await link.call(method, params)) as T;
  } finally {
    link.close();
  }
};
const totp = (): Promise<ApproveStatus> => ask<ApproveStatus>('approve/default', 'status');
const gateway = (): Promise<GatewayStatus> => ask<GatewayStatus>('operator/default', 'status');
const ctl = (args: readonly string[], stdin?: string): Promise<CommandResult> =>
  running.command('airlock-ctl', [...args, '--json'], stdin === undefined ? {} : { stdin });
const accept = (...args: string[]): Promise<CommandResult> => ctl(['audit', 'accept', ...args], `${running.freshCode()}\n`);
const unlock = (): Promise<CommandResult> => ctl(['unlock'], `${running.freshCode()}\n`);
const verify = async (...args: string[]): Promise<number> => (await ctl(['audit', 'verify', ...args])).status;
const headOf = async (daemon: Daemon): Promise<string> => {
  const { heads } = await ask<{ heads: string[] }>('approve/default', 'heads');
  return heads.find((note) => note.startsWith(`${daemon}\n`)) ?? '';
};

/** The attacker's log: everything fits, but for what was signed. */
const rewritten = (lines: readonly string[]): string => {
  const chain = new Chain();
  return lines
    .map((line) => {
      const record = JSON.parse(line) as Record<string, unknown>;
      const event = record['event'] === 'checkpoint' ? 'operation' : record['event'];
      const text = JSON.stringify({ ...record, note: undefined, event, seq: chain.size + 1, prev: chain.hash });
      chain.extend(lineDigest(Buffer.from(text)).toString('latin1'));
      return `${text}\n`;
    })
    .join('');
};

const keepCopy = (): string => {
  const copy = join(running.dir, `copy-${String(readdirSync(running.dir).length)}`);
  cpSync(logOf('airlock-gateway'), copy, { recursive: true });
  return copy;
};

/** What becomes of the gateway's log while it is down. */
const LOSSES: Readonly<Record<string, (dir: string, older: string) => void>> = {
  'the directory is gone': (dir) => rmSync(dir, { recursive: true }),
  'an older copy was restored': (dir, older) => {
    rmSync(dir, { recursive: true });
    cpSync(older, dir, { recursive: true });
  },
  'another history, every hash made to fit': (dir) => writeFileSync(segmentOf(dir), rewritten(linesOf(dir))),
  'a record is damaged in the middle': (dir) =>
    writeFileSync(
      segmentOf(dir),
      linesOf(dir)
        .map((line, at, { length }) => `${at === length - 2 ? line.slice(0, -9) : line}\n`)
        .join(''),
    ),
};

for (const [name, lose] of Object.entries(LOSSES)) {
  t.test(`airlock-gateway: ${name}`, { timeout: 240_000 }, async (t) => {
    const older = keepCopy();
    const agent = await openSession(running);
    await obtainLease(running, agent, ['mail:read']);
    agent.close();
    await untilSigned(running, 'airlock-gateway');
    const oldHead = join(running.dir, 'old-head');
    writeFileSync(oldHead, await headOf('airlock-gateway'));
    const dir = logOf('airlock-gateway');
    let evidence = '';
    const before = asides('airlock-gateway');
    await restartWith(running, 'airlock-gateway', () => {
      lose(dir, older);
      evidence = existsSync(dir) ? readFileSync(segmentOf(dir), 'utf8') : '';
    });
    await until('it is locked or sealed', async () => (await totp()).locked || (await gateway()).sealed !== null);
    t.equal(await verify(), 7, 'negative control: it is not whole');
    await unlock();
    await until('an unlock alone mends nothing', async () => (await totp()).locked || (await gateway()).sealed !== null);

    const accepted = await accept();
    t.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
    t.match(
      accepted.stderr,
      /begin the log of airlock-gateway anew[^]*signed +\d+ records, up to [0-9a-f]{64}/,
      'what is given up is shown',
    );
    t.equal((await gateway()).sealed, null);
    const [aside = ''] = asides('airlock-gateway').filter((one) => !before.includes(one));
    const { setAside } = accepted.json as { setAside: string };
    t.equal(aside, setAside);
    if (evidence !== '')
      t.ok(
        readFileSync(segmentOf(join(base('airlock-gateway'), aside)), 'utf8').startsWith(evidence),
        'ACCEPT-3: the evidence stands as it was',
      );
    if ((await totp()).locked) t.equal((await unlock()).status, 0);
    await untilSigned(running, 'airlock-gateway');
    t.match(await totp(), { locked: false, sealed: null });
    t.equal((await totp()).alert, undefined);
    t.equal(await verify(), 0, 'whole again');
    t.match(
      (await running.command('airlock-ctl', ['audit', 'verify'])).stdout,
      new RegExp(`log of airlock-gateway: begun anew .* are proven only from ${aside}`),
      'ACCEPT-6: and says from when on',
    );
    t.match(
      JSON.parse(linesOf(dir)[0] ?? '{}'),
      { seq: 1, event: 'log_begun', accepted: aside.split('aside-')[1] },
      'its first record says so',
    );
    const [, size, hash] = readFileSync(oldHead, 'utf8').split('\n');
    const { json } = await ctl(['audit', '--event', 'log_accepted']);
    const record = (json as { log: string; id: string; size: number; note: string }[]).find(({ id }) => aside.endsWith(id));
    t.match(
      record,
      { size: Number(size), found: /.+/, operator: 'default', note: hash },
      'and the log of airlock-totp which head was given up',
    );
    t.equal(await verify('--head', oldHead), 7, 'ACCEPT-5: a head of before does not verify the new log');
    const next = await openSession(running);
    await obtainLease(running, next, ['mail:read']);
    next.close();
    await restartWith(running, 'airlock-totp');
    await restartWith(running, 'airlock-gateway');
    await untilSigned(running, 'airlock-gateway');
    t.equal(asides('airlock-gateway').length, before.length + 1, 'ACCEPT-4: carried out once');
    t.equal(await verify(), 0);
  });
}

t.test('ACCEPT-5: what was set aside still proves what was signed', { timeout: 240_000 }, async (t) => {
  const key = (await ctl(['audit', 'export', '--last', '1h', '-o', join(running.dir, 'for-keys')])).status;
  t.equal(key, 0);
  const publicKey = readFileSync(join(running.dir, 'for-keys/keys/gateway.vkey'), 'utf8').trim();
  const results = await Promise.all(
    asides('airlock-gateway').map((name) =>
      verifyLog({ dir: join(base('airlock-gateway'), name), origin: 'airlock-gateway', heads: [], publicKeys: [publicKey] }),
    ),
  );
  t.ok(
    results.some(({ ok, checkpoints }) => !ok && checkpoints > 0),
    'the damaged one, up to where it was damaged',
  );
});

const TOTP_LOSSES: Readonly<Record<string, (dir: string) => void>> = {
  'the directory is gone': (dir) => rmSync(dir, { recursive: true }),
  'it was cut': (dir) =>
    writeFileSync(
      segmentOf(dir),
      linesOf(dir)
        .slice(0, 3)
        .map((line) => `${line}\n`)
        .join(''),
    ),
  'a record is edited': (dir) =>
    writeFileSync(segmentOf(dir), readFileSync(segmentOf(dir), 'utf8').replace('"event":"', '"event":"x')),
};

for (const [name, lose] of Object.entries(TOTP_LOSSES)) {
  t.test(`airlock-totp: ${name}`, { timeout: 240_000 }, async (t) => {
    await untilSigned(running, 'airlock-totp');
    await restartWith(running, 'airlock-totp', () => lose(logOf('airlock-totp')));
    t.match(await totp(), { sealed: { code: 'AUDIT_UNAVAILABLE' } });
    const wrong = await ctl(['audit', 'accept'], '000000\n');
    t.match(wrong.json, { error: { code: /CODE_REJECTED|PARAMS_INVALID/ } }, 'without a good code nothing is given up');
    t.match(await totp(), { sealed: { code: 'AUDIT_UNAVAILABLE' } });
    const accepted = await accept();
    t.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
    t.match(await totp(), { sealed: null });
    await untilSigned(running, 'airlock-totp');
    t.equal(await verify(), 0, 'whole again');
    t.match(JSON.parse(linesOf(logOf('airlock-totp'))[0] ?? '{}'), {
      seq: 1,
      event: 'log_accepted',
      log: 'airlock-totp',
      note: /^airlock-totp\n/,
    });
    await until('the log of airlock-gateway says so too', async () => {
      const { json } = await ctl(['audit', '--event', 'log_accepted']);
      return (json as { log: string; accepted?: string }[]).some(
        ({ accepted: id }) => id !== undefined && (accepted.json as { accepted: string }).accepted === id,
      );
    });
    const agent = await openSession(running);
    await obtainLease(running, agent, ['mail:read']);
    agent.close();
  });
}

t.test('ACCEPT-6: each log that was begun anew is named, by whichever log is left to say so', { timeout: 240_000 }, async (t) => {
  const named = async (...args: string[]): Promise<string[]> => {
    const { json } = await ctl(['audit', 'verify', ...args]);
    const { ok, begunAnew = [] } = json as { ok: boolean; begunAnew?: { log: string; setAside: string }[] };
    t.equal(ok, true);
    return begunAnew.map(({ log, setAside }) => `${log} ${setAside}`).sort();
  };
  const ofGateway = asides('airlock-gateway').map((name) => `airlock-gateway ${name}`);
  const ofTotp = asides('airlock-totp').map((name) => `airlock-totp ${name}`);
  const { accepted } = JSON.parse(firstOf('airlock-gateway')) as { accepted: string };
  const newest = `airlock-gateway audit.set-aside-${accepted}`;
  t.ok(ofGateway.includes(newest));
  t.equal(ofTotp.length, 3);
  t.same(await named(), [newest, ...ofTotp].sort(), 'the log of airlock-totp begins after all of them but one');
  const copy = join(running.dir, 'gateway-alone');
  cpSync(logOf('airlock-gateway'), join(copy, 'gateway'), { recursive: true });
  t.equal((await running.command('airlock-ctl', ['config', 'keys'])).status, 0);
  t.same(await named('--dir', copy), [newest, ...ofTotp].sort(), 'the log of airlock-gateway alone');
});

t.test('ACCEPT-1: the text, the code and the socket decide', { timeout: 240_000 }, async (t) => {
  const log = 'airlock-gateway';
  const operator = 'default';
  const shown = await ask<{ text: string; digest: string }>('root', 'log.examine', { operator, log });
  t.match(shown.text, /^Airlock record\n\n {2}you +operator "default"\n {2}do +begin the log of airlock-gateway anew/);
  const left = async (): Promise<number> => (await totp()).lockout.terminal.triesLeft;
  const before = await left();
  const code = running.freshCode();
  await t.rejects(ask('root', 'log.accept', { operator, log, code, digest: '0'.repeat(64) }), { code: 'PARAMS_INVALID' });
  t.equal(await left(), before, 'another text: the code was not looked at');
  await t.rejects(ask('root', 'log.accept', { operator, log, code: '000000', digest: shown.digest }), { code: 'CODE_REJECTED' });
  t.equal(await left(), before - 1, 'a wrong one counts');
  while ((await left()) > 0)
    await ask('root', 'log.accept', { operator, log, code: '000000', digest: shown.digest }).catch(() => undefined);
  await t.rejects(ask('root', 'log.accept', { operator, log, code: running.freshCode(), digest: shown.digest }), {
    code: 'CODE_LOCKED_OUT',
  });
  await ctl(['lockout', 'clear', 'terminal']);
  for (const socket of ['approve/default', 'operator/default', 'agent/default', 'bridge', 'export'])
    await t.rejects(
      ask(socket, 'log.accept', { operator, log, code: running.freshCode(), digest: shown.digest }),
      `${socket} has no such method`,
    );
  await t.rejects(
    ask('root', 'log.examine', { operator, log: 'airlock-totp' }),
    { code: 'NOT_FOUND' },
    'a log with which nothing is wrong',
  );
  await t.rejects(ask('root', 'log.examine', { operator, log: '../audit' }), { code: 'PARAMS_INVALID' });
  const fresh = await ask<{ text: string; digest: string }>('root', 'log.examine', { operator, log });
  await untilServing(running);
  const agent = await openSession(running);
  await obtainLease(running, agent, ['mail:read']);
  agent.close();
  await untilSigned(running, log);
  const grown = await ask<{ text: string; digest: string }>('root', 'log.examine', { operator, log });
  t.not(grown.digest, fresh.digest, 'an agent works on meanwhile: the head that is shown grows, and the code stays good');
  const used = running.freshCode();
  const { id } = await ask<{ id: string }>('root', 'log.accept', { operator, log, code: used, digest: fresh.digest });
  await until('it is begun', async () => firstOf(log).includes(`"accepted":"${id}"`));
  await untilServing(running);
  const again = await ask<{ text: string; digest: string }>('root', 'log.examine', { operator, log });
  await t.rejects(
    ask('root', 'log.accept', { operator, log, code: used, digest: again.digest }),
    { code: 'CODE_REJECTED' },
    'a code counts once',
  );
});

t.test('ACCEPT-2: killed at any point after it was decided, it is carried out', { timeout: 240_000 }, async (t) => {
  for (const step of [1, 2, 3]) {
    const log = 'airlock-gateway';
    const before = asides(log).length;
    await untilSigned(running, log);
    await restartWith(running, log, () => rmSync(logOf(log), { recursive: true }));
    await until('it is locked', async () => (await totp()).alert !== undefined);
    const { digest } = await ask<{ digest: string }>('root', 'log.examine', { operator: 'default', log });
    const { id } = await ask<{ id: string }>('root', 'log.accept', {
      operator: 'default',
      log,
      code: running.freshCode(),
      digest,
    });
    for (let n = 0; n < step; n += 1) {
      process.kill(await daemonOf(running, n % 2 === 0 ? 'airlock-totp' : 'airlock-gateway'), 'SIGKILL');
      if (n % 2 === 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('both are back and the log has begun', async () => {
      const status = await gateway().catch(() => null);
      return status?.sealed === null && firstOf(log).includes(`"accepted":"${id}"`);
    });
    await untilServing(running);
    t.equal(asides(log).length, before + 1);
    await untilSigned(running, log);
    if ((await totp()).locked) await unlock();
    t.equal(await verify(), 0, `killed ${step} times`);
    t.notOk(existsSync(join(base('airlock-totp'), 'log-accept.pending')));
  }
});

/** Ends airlock-totp once, before the file that decides is there. */
const ENDS_UNDECIDED = `
const fs = require('node:fs');
const { openSync } = fs;
fs.openSync = (path, flags, ...more) => {
  if (String(path).includes('log-accept.pending') && (flags & fs.constants.O_CREAT) !== 0 && !fs.existsSync(__filename + '.ended')) {
    fs.writeFileSync(__filename + '.ended', '');
    process.kill(process.pid, 'SIGKILL');
  }
  return openSync(path, flags, ...more);
};
require('node:module').syncBuiltinESMExports();
`;

t.test('ACCEPT-2: killed before it was decided, nothing is said to have been accepted', { timeout: 240_000 }, async (t) => {
  const other = await startTestInstance({ preload: ENDS_UNDECIDED });
  t.teardown(() => other.stop());
  await untilSigned(other, 'airlock-gateway');
  const accepting = () => other.command('airlock-ctl', ['audit', 'accept'], { stdin: `${other.freshCode()}\n` });
  const verifying = () => other.command('airlock-ctl', ['audit', 'verify']);
  t.not((await accepting()).status, 0);
  t.ok(existsSync(join(other.dir, 'preload.cjs.ended')), 'it was killed');
  await untilServing(other);
  t.match(await verifying(), { status: 0, stdout: /^whole/ });
  t.notMatch((await verifying()).stdout, 'begun anew');
  t.equal((await accepting()).status, 0, 'negative control: once it is decided');
  await untilSigned(other, 'airlock-gateway');
  t.match(await verifying(), { status: 0, stdout: /log of airlock-gateway: begun anew/ });
});

t.test('what stands in the place of what is set aside is not followed', { timeout: 240_000 }, async (t) => {
  const outside = join(running.dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'x'), 'untouched');
  const file = join(base('airlock-gateway'), 'audit-anew.json');
  const whole = readFileSync(file, 'utf8');
  for (const bad of [
    '{',
    'null',
    '[]',
    '{"gateway":{"id":"../../outside","size":1,"hash":"","step":"asked"}}',
    '{"gateway":5}',
  ]) {
    await restartWith(running, 'airlock-gateway', () => writeFileSync(file, bad));
    t.equal(readFileSync(join(outside, 'x'), 'utf8'), 'untouched');
    t.equal((await gateway()).sealed, null, `${bad}: the gateway starts`);
    t.equal(await verify(), 0, `${bad}: and its log is where it was`);
  }
  await restartWith(running, 'airlock-gateway', () => writeFileSync(file, whole));
  t.equal(await verify(), 0);
});
