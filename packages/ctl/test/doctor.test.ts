/** doctor's judgements, and that what it says to do can be done. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Context } from '../src/context.js';
import { judgeHandshake } from '../src/doctor/agents.js';
import { runAgentChecks, runChecks } from '../src/doctor/checks.js';
import { presenceCheck } from '../src/doctor/presence.js';
import { sealedWith, wrapping } from '../src/doctor/wrapping.js';
import { didNotOpen, notOpened, unlessUnopened } from '../src/unopened.js';
import { VERSION } from '../src/version.js';
import { isFix } from './fix-line.js';

const context = (configDir: string): Context => ({
  json: true,
  color: false,
  env: { AIRLOCK_OPERATOR: 'nobody-here', AIRLOCK_CONNECTORS: configDir },
  // Of an installation, which this machine need not have: then nearly everything is wrong.
  runtimeDir: '/run/airlock',
  configDir,
  terminal: {
    isTerminal: false,
    out: () => undefined,
    err: () => undefined,
    line: () => Promise.resolve(null),
    secret: () => Promise.resolve(null),
    close: () => undefined,
  },
});

t.test('where nothing is as it should be, each failure says what was found, what should be, and a command', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'doctor-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const checks = await runChecks(context(dir));
  const failed = checks.filter(({ ok }) => !ok);
  t.ok(failed.length >= 4, failed.map(({ id }) => id).join(', '));
  for (const { id, found, expected, fix } of failed) {
    t.not(found, '', id);
    t.not(expected, '', id);
    t.ok(isFix(fix), `${id}: ${fix}`);
  }
  t.equal(new Set(checks.map(({ id }) => id)).size, checks.length, 'each under a name of its own');
  t.same(await runAgentChecks(context(dir)), [], 'no configuration, no role to try');
});

t.test('PRESENCE-6: presence that fails after the operator was seen is no "ok", and what to do is said', async (t) => {
  const there = { mode: 'auto', reasons: [], waived: [], seated: true, heardS: 1, available: true, sessions: 1 } as const;
  const never = { ...there, seated: false, available: false, sessions: 0 };
  t.match(presenceCheck(there), { ok: true, found: 'there' }, 'negative control');
  t.match(presenceCheck(never), { ok: true }, 'negative control: a machine without logind');
  const failing = [
    presenceCheck({ ...there, available: false, sessions: 0 }),
    presenceCheck({ ...there, mode: 'required', available: false, sessions: 0 }),
    presenceCheck({ ...there, available: false, sessions: 0, reasons: ['silent'] }),
    presenceCheck({ ...there, sessions: 0, reasons: ['silent', 'switch'] }),
    presenceCheck({ ...there, heardS: 21 }),
    presenceCheck({ ...there, heardS: null, available: null, sessions: null }),
  ];
  for (const { ok, found, fix } of failing) t.ok(!ok && isFix(fix), `${found}: ${fix}`);
  t.match(failing[0], { found: /logind does not answer any more/, fix: /restart systemd-logind airlock-presence/ });
});

const INITIALIZED = '{"jsonrpc":"2.0","id":1,"result":{"serverInfo":{"name":"airlock"}}}\n';

t.test('an MCP handshake counts with both answers and tools', async (t) => {
  t.match(judgeHandshake(`${INITIALIZED}{"jsonrpc":"2.0","id":2,"result":{"tools":[{},{}]}}\n`), {
    ok: true,
    found: 'answers, 2 tools',
  });
  t.match(judgeHandshake(''), { ok: false, found: 'no answer to initialize' });
  t.match(judgeHandshake('Usage: …\n{"id":1,"error":{}}\n'), { ok: false });
  t.match(judgeHandshake(`${INITIALIZED}{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}\n`), { ok: false, found: 'no tools' });
  t.match(judgeHandshake(`${INITIALIZED}{"jsonrpc":"2.0","id":2,"resu`), { ok: false, found: 'no tools' });
});

/** As systemd 252 wrote it with `systemd-creds encrypt --with-key=host`; only its first bytes are looked at. */
const BY_HOST = 'Whxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAACVX+iTn3T6y2/MANYAAAAA';

t.test('doctor says what the wrapping key is sealed with', async (t) => {
  const withId = (hex: string): string => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(80, 7)]).toString('base64');
  t.equal(sealedWith(BY_HOST), 'host');
  t.equal(sealedWith(withId('0c7cc07b117645919c4b0bea08bc20fe')), 'tpm2');
  t.equal(sealedWith(withId('93a894094874449090caf2fc93cab553')), 'tpm2+host');
  t.equal(sealedWith(withId('058469daf6f54324800549da0f8ea2fb')), 'none', 'a key that everybody knows');
  t.equal(sealedWith(withId('00')), 'unknown');
  t.equal(sealedWith(''), 'unknown');
  const dir = mkdtempSync(join(tmpdir(), 'doctor-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const facts = { hasTpm: false, didOpen: true };
  t.match(wrapping({ configDir: dir }, facts), {
    ok: true,
    found: /^none: .*file of airlock-totp, both disks together open the vault$/,
  });
  writeFileSync(join(dir, 'wrap.cred'), `${BY_HOST}\n`);
  t.match(wrapping({ configDir: dir }, facts), { ok: true, found: /^host: .*open the vault$/ });
  t.match(wrapping({ configDir: dir }, { ...facts, hasTpm: true }), { ok: true, found: /install\.sh --reseal tpm2\+host$/ });
  const dead = wrapping({ configDir: dir }, { ...facts, didOpen: false });
  t.match(dead, { ok: false, found: /^host: .*does not open on this machine/, fix: /airlock-ctl restore FILE/ });
  t.ok(isFix(dead.fix), dead.fix);
});

t.test(
  'a wrapping key that systemd could not open is told by the status of the start, in words that name the backup',
  async (t) => {
    const pre = (status: string): string =>
      `ExecStartPre={ path=/usr/lib/airlock/airlock-ctl ; pid=139 ; code=exited ; status=${status} }\nExecMainStatus=0\n`;
    t.ok(didNotOpen(pre('243')), 'as systemd 252 shows it');
    t.ok(didNotOpen('ExecMainStatus=243\n'));
    for (const shown of ['', pre('0/0'), pre('1'), 'ExecMainStatus=24\n', 'ExecMainStatus=2430\n'])
      t.notOk(didNotOpen(shown), shown);
    t.match(notOpened(), { code: 'VAULT_UNREADABLE', data: { hint: /sudo airlock-ctl restore FILE$/ } });
    const due: (() => void)[] = [];
    const after = (ms: number, fire: () => void): { cancel(): void } => {
      t.equal(ms, 1500);
      due.push(fire);
      return { cancel: () => void due.splice(due.indexOf(fire), 1) };
    };
    const timers = { after, nowMs: () => 0 };
    const asked = unlessUnopened(new Promise<never>(() => undefined), timers, () => true);
    due[0]?.();
    await t.rejects(asked, { code: 'VAULT_UNREADABLE' });
    t.equal(
      await unlessUnopened(Promise.resolve('answered'), timers, () => true),
      'answered',
      'negative control: who answers is heard',
    );
    t.same(due, [], 'and asked no further');
  },
);

t.test('the version is that of the package', async (t) => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  t.equal(VERSION, manifest.version);
});
