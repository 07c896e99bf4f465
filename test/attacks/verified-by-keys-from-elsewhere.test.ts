// Attack: a suspect machine answers whoever brings a key, a head or the name of a log with its own word instead. AUDIT-33.
import { generateHeadKey, parsePrivateKey, parseSignedHead, signHead } from '@airlock/audit';
import { connectSocket } from '@airlock/ipc';
import { addMailbox, obtainLease, openSession, startTestInstance, type CommandResult, type Running } from '@airlock/testkit';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { untilSigned } from './state-files.js';

type Log = 'gateway' | 'totp';
const LOGS: readonly Log[] = ['gateway', 'totp'];

let running: Running;
let bundle = '';
t.setTimeout(120_000);
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
  const agent = await openSession(running);
  await obtainLease(running, agent, ['mail:read']);
  agent.close();
  t.equal((await running.command('airlock-ctl', ['config', 'keys'])).status, 0);
  bundle = join(running.dir, 'export');
  for (const daemon of ['airlock-gateway', 'airlock-totp'] as const) await untilSigned(running, daemon);
  t.equal((await running.command('airlock-ctl', ['audit', 'export', '--last', '1d', '-o', bundle])).status, 0);
});
t.teardown(() => running.stop());

const verify = (...args: readonly string[]): Promise<CommandResult> =>
  running.command('airlock-ctl', ['audit', 'verify', ...args]);
const file = (name: string, content: string): string => {
  const path = join(running.dir, name);
  writeFileSync(path, content);
  return path;
};
const keptKey = (log: Log | 'export'): string => join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'keys', `${log}.vkey`);
const own = (...logs: readonly Log[]): string[] => logs.flatMap((log) => ['--key', keptKey(log)]);

/** Of another machine, or of one whose record was written anew under other keys. */
const strangers = { gateway: generateHeadKey('airlock-gateway'), totp: generateHeadKey('airlock-totp') };
const stranger = (log: Log): string[] => ['--key', file(`stranger-${log}.vkey`, `${strangers[log].publicKey}\n`)];

const headOf = async (log: Log): Promise<string> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  const { heads } = (await link.call('heads', {})) as { heads: string[] };
  link.close();
  return heads.find((note) => note.startsWith(`airlock-${log}\n`)) ?? '';
};

t.test('negative control: by the keys that it has, the machine is whole', async (t) => {
  t.match(await verify(), { status: 0, stdout: /^whole: \d+ records, 2 signed heads\n$/ });
  t.match(await verify(...own('gateway', 'totp')), { status: 0, stdout: /^whole: \d+ records, 2 signed heads\n$/ });
  const exportKey = ['--key', keptKey('export')];
  t.match(await verify(...own('gateway', 'totp'), ...exportKey), { status: 0 }, 'all three, as they stand in one directory');
});

t.test('AUDIT-33: a machine whose heads are by other keys than those that were brought is not called whole', async (t) => {
  const both = await verify(...stranger('gateway'), ...stranger('totp'));
  t.match(both, {
    status: 7,
    stdout: /^UNPROVEN: 0 records, 0 signed heads; the heads of the gateway and totp log are not by the key that was given\n/,
    stderr: /is the key that was given of this machine\?/,
  });
  for (const log of LOGS) {
    const other = log === 'gateway' ? 'totp' : 'gateway';
    const found = await verify(...stranger(log), ...own(other));
    t.match(found, { status: 7, stdout: new RegExp(`^UNPROVEN: [^\\n]*the heads of the ${log} log are not by the key`) });
    t.match(
      found.stdout,
      new RegExp(`\\n${log} log: no signed head [^\\n]* \\(airlock-${log}\\+[0-9a-f]{8}\\): that is of another`),
    );
    t.notMatch(found.stdout, /nothing speaks against|DAMAGED/);
  }
  const json = (await verify('--json', ...stranger('gateway'), ...own('totp'))).json;
  t.match(json, { ok: false, status: 'unproven', foreign: ['gateway'], unproven: [{ log: 'gateway' }] });
  const hash = ['--head', Buffer.alloc(32, 7).toString('hex')];
  const hashToo = await verify(...stranger('gateway'), ...stranger('totp'), ...hash);
  t.match(hashToo, { status: 7, stdout: /^UNPROVEN[^]*--head 0707\S+: it was not looked for/ }, 'and no log is blamed unread');
});

t.test('AUDIT-33: a head by the key that was brought is held against the log, whatever the machine says', async (t) => {
  const { size, hash } = parseSignedHead(await headOf('gateway'));
  const key = parsePrivateKey(strangers.gateway.privateKey);
  const met = file('met', signHead(key, 'airlock-gateway', { size, hash }));
  const args = ['--log', 'gateway', ...stranger('gateway')];
  t.match(await verify(...args, '--head', met), { status: 7, stdout: /^UNPROVEN: [1-9]\d* records, 1 signed heads; / });
  const other = file('other', signHead(key, 'airlock-gateway', { size, hash: '07'.repeat(32) }));
  t.match(await verify(...args, '--head', other), {
    status: 7,
    stdout: /^DAMAGED: gateway log, .*--head \S+ has another history/,
  });
});

t.test('AUDIT-33: a head that the very key signed wrongly is told as that', async (t) => {
  const note = await headOf('totp');
  const kept = file(
    'wrong',
    note.replace(/\n(\d+)\n/, (_, size: string) => `\n${Number(size) + 1}\n`),
  );
  t.match(await verify(...own('gateway', 'totp'), '--head', kept), { status: 7, stdout: /signature of airlock-totp is wrong/ });
});

t.test('AUDIT-33: --log checks the one log that it names', async (t) => {
  const count = async (...args: readonly string[]): Promise<number> => {
    const { status, json } = await verify('--json', ...args);
    t.equal(status, 0, args.join(' '));
    return (json as { records: number }).records;
  };
  const [gateway, totp] = [await count('--log', 'gateway', ...own('gateway')), await count('--log', 'totp', ...own('totp'))];
  const both = await count();
  t.ok(gateway > 0 && totp > 0 && gateway < both && totp < both, `${gateway} and ${totp} of ${both}`);
  t.match(await verify('--log', 'bogus'), { status: 2, stderr: /--log: found bogus, allowed: gateway or totp/ });
  t.match(await verify('--log', 'gateway', ...own('totp')), { status: 2, stderr: /--key: none is of the log airlock-gateway/ });
  const ofOther = file('of-other', await headOf('totp'));
  t.match(await verify('--log', 'gateway', '--head', ofOther), { status: 7, stdout: /^UNPROVEN[^]*whose log is not here/ });
});

t.test('AUDIT-33: keys that cannot count are refused', async (t) => {
  t.match(await verify('--key', join(running.dir, 'nowhere.vkey')), {
    status: 2,
    stderr: /--key: .*nowhere\.vkey cannot be read/,
  });
  t.match(await verify(...own('gateway')), { status: 2, stderr: /--key: none is of the log airlock-totp/ });
  t.match(await verify(...own('gateway', 'totp'), ...stranger('totp')), { status: 2, stderr: /--key: two keys of airlock-totp/ });
  t.match(await verify(...own('gateway', 'gateway', 'totp')), { status: 0 }, 'the same twice is one');
  const { publicKey } = generateHeadKey('airlock.example');
  t.match(await verify(...own('gateway', 'totp'), '--key', file('no-log.vkey', publicKey)), {
    status: 2,
    stderr: /--key: \S+ is of airlock\.example, which signs nothing that is checked here/,
  });
});

t.test('AUDIT-33: what says nothing of an export is refused beside it', async (t) => {
  t.match(await verify(bundle), { status: 0, stdout: /\ngood: / }, 'negative control');
  mkdirSync(join(running.dir, 'some'), { recursive: true });
  for (const [args, named] of [
    [['--dir', join(running.dir, 'some')], /--dir: found beside BUNDLE/],
    [['--dir', '/nonexistent'], /--dir: found beside BUNDLE/],
    [['--log', 'gateway'], /--log: found beside BUNDLE/],
    [['--dir', '/nonexistent', '--log', 'gateway'], /--dir and --log: found beside BUNDLE/],
    [['--head', '/nonexistent'], /--head: \/nonexistent cannot be read/],
    [['--key', '/nonexistent'], /--key: \/nonexistent cannot be read/],
  ] as const)
    t.match(await verify(bundle, ...args), { status: 2, stderr: named }, args.join(' '));
});

t.test('AUDIT-33: heads that were kept are held against an export', async (t) => {
  const note = readFileSync(join(bundle, 'gateway/head.note'), 'utf8');
  const { size, hash } = parseSignedHead(note);
  const good = { status: 0, stdout: /\ngood: / };
  t.match(await verify(bundle, '--head', file('end', note)), good, 'the signed one');
  t.match(await verify(bundle, '--head', hash), good, 'its hash');
  const lines = readFileSync(join(bundle, 'gateway/lines.jsonl'), 'utf8').split('\n').slice(0, -1);
  const { prev } = JSON.parse(lines.at(-1) ?? '{}') as { prev: string };
  t.match(await verify(bundle, '--head', prev.toUpperCase()), good, 'one on the way');
  for (const [name, head] of Object.entries({
    'a hash of no record in it': 'ab'.repeat(32),
    'the head of nothing': '0'.repeat(64),
    'by another key': file(
      'by-other',
      signHead(parsePrivateKey(strangers.gateway.privateKey), 'airlock-gateway', { size, hash }),
    ),
  })) {
    const found = await verify(bundle, '--head', head);
    t.match(found, { status: 7, stdout: /\n--head \S+: [^\n]+\nUNPROVEN: signed by default at / }, name);
    t.notMatch(found.stdout, /good|FORGED/, name);
    const json = (await verify(bundle, '--json', '--head', head)).json;
    t.match(json, { ok: false, status: 'unproven', unproven: [{ head: `--head ${head}` }] }, name);
  }
  await running.command('airlock-ctl', ['lock']);
  await untilSigned(running, 'airlock-gateway');
  const later = await headOf('gateway');
  t.ok(parseSignedHead(later).size > size);
  t.match(await verify(bundle, '--head', file('later', later)), {
    status: 7,
    stdout: new RegExp(
      `gateway log, --head \\S+: it proves nothing here: it is of \\d+ records, and the export leads from \\d+ to ${size}\n`,
    ),
  });
});
