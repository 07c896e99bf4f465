// Attack: change an export of the record, or learn from it of others. EXPORT-1 to EXPORT-7.
// The check is the script of docs/spec/export.md, as written there, with sha256sum, openssl and a POSIX shell alone.
import { generateHeadKey, parsePrivateKey, pemOfKey, signText, partsOfNote } from '@airlock/audit';
import { readBundle, verifyBundle } from '@airlock/ctl';
import { connectSocket } from '@airlock/ipc';
import { sha256Hex } from '@airlock/protocol';
import { addMailbox, checkout, obtainLease, openSession, startTestInstance, type Running } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const RECIPE =
  /## Checking[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync(join(checkout, 'docs/spec/export.md'), 'utf8'))?.[1] ?? '';

let running: Running;
let bundle = '';
let mine = { session: '', lease: '' };
let theirs = { session: '', lease: '' };
t.setTimeout(120_000);
t.before(async () => {
  running = await startTestInstance({ roles: ['default', 'other'], cells: 4 });
  await addMailbox(running);
  const count = (lease: string, intent: string): object => ({
    ...{ lease, service: 'mail', operation: 'count_unread', params: {} },
    context: { intent },
  });
  const run = async (
    role: string,
    intent: string,
    beside: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<{ session: string; lease: string }> => {
    const agent = await openSession(running, { role });
    const { lease } = await obtainLease(running, agent, ['mail:read'], { intent });
    for (let n = 0; n < 4; n += 1) {
      await agent.call('call', count(lease, intent));
      await beside();
    }
    agent.close();
    const { json } = await running.command('airlock-ctl', ['audit', '--event', 'lease_issued', '--json']);
    const last = (json as { session: string; lease: string; role: string }[]).filter((one) => one.role === role).at(-1);
    return { session: last?.session ?? '', lease: last?.lease ?? '' };
  };
  theirs = await run('other', 'a secret purpose of others');
  // Records of others between those that are exported, so that there are some to leave out, whenever heads are signed.
  const other = await openSession(running, { role: 'other' });
  const intent = 'a secret purpose beside';
  const { lease } = await obtainLease(running, other, ['mail:read'], { intent });
  mine = await run('default', 'my own purpose', () => other.call('call', count(lease, intent)));
  other.close();
  await run('other', 'another secret purpose');
  t.equal((await running.command('airlock-ctl', ['config', 'keys'])).status, 0, 'as root: the keys as .pem too');
  bundle = join(running.dir, 'export');
  const made = await running.command('airlock-ctl', ['audit', 'export', '--session', mine.session, '-o', bundle]);
  t.equal(made.status, 0, made.stderr);
});
t.teardown(() => running.stop());

const filesOf = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .sort();

const check = (dir: string, keys = join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'keys'), shell = 'sh') => {
  const { status, stdout } = spawnSync(shell, ['-c', RECIPE], {
    cwd: dir,
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', KEYS: keys },
  });
  return { status, stdout };
};

const read = (name: string, dir = bundle): string => readFileSync(join(dir, name), 'utf8');

t.test('negative control: as it was made, the recipe finds it good, in every shell there is', async (t) => {
  t.match(RECIPE, /^set -eu\n/);
  t.notMatch(RECIPE, /airlock-ctl|node|python|\[\[|<\(/, 'nothing but POSIX shell and tools');
  t.ok(read('VERIFY.md').includes(RECIPE), 'VERIFY.md has the same script');
  for (const shell of ['dash', 'bash'])
    t.match(check(bundle, undefined, shell), { status: 0, stdout: /\nGOOD: signed by default at \d{4}-/ }, shell);
  t.match(check(bundle, 'keys'), { status: 0 });
});

t.test('EXPORT-1 EXPORT-2 EXPORT-3: what was asked for byte for byte, and nothing of anybody else', async (t) => {
  const lines = read('gateway/lines.jsonl').split('\n').slice(0, -1);
  t.ok(lines.length >= 10, `${lines.length} lines`);
  const log = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/audit');
  const segments = readdirSync(log).filter((name) => name.endsWith('.jsonl'));
  const all = segments.flatMap((name) => readFileSync(join(log, name), 'utf8').split('\n').slice(0, -1));
  t.same(
    lines.filter((line) => !all.includes(line)),
    [],
  );
  const ofSession = all.filter((line) => line.includes(`"session":"${mine.session}"`));
  t.same(
    ofSession.filter((line) => !lines.includes(line)),
    [],
    'all that names the session',
  );
  t.ok((read('gateway/chain').match(/^left-out /gm) ?? []).length >= 3, 'between its lines others stand, left out');
  t.match(read('totp/lines.jsonl'), /"event":"totp_verified"/, 'the approval that led to its lease');
  for (const name of filesOf(bundle)) {
    const content = readFileSync(join(bundle, name), 'latin1');
    for (const secret of [theirs.session, theirs.lease, 'secret purpose', '"role":"other"'])
      t.notOk(content.includes(secret), `${name} says nothing of ${secret}`);
  }
  t.ok(
    all.some((line) => line.includes('secret purpose')),
    'negative control: the log does',
  );
  t.match(JSON.parse(read('SUMMARY.json')), { asked: { session: mine.session } });
  t.match(
    (await running.command('airlock-ctl', ['audit', '--event', 'audit_exported', '--json'])).json,
    [{ digest: sha256Hex(read('SHA256SUMS')) }],
    'EXPORT-5',
  );
});

const resum = (dir: string): void => {
  const names = filesOf(dir).filter((name) => !name.startsWith('SHA256SUMS'));
  writeFileSync(join(dir, 'SHA256SUMS'), names.map((name) => `${sha256Hex(readFileSync(join(dir, name)))}  ${name}\n`).join(''));
};

const change = (dir: string, name: string, how: (text: string) => string): void => {
  const before = read(name, dir);
  const after = how(before);
  t.not(after, before, `${name} is changed`);
  writeFileSync(join(dir, name), after);
};

/** An attacker's own key, put in the place of the exporter's. */
const resign = (dir: string): void => {
  const key = parsePrivateKey(generateHeadKey('airlock-export').privateKey);
  resum(dir);
  writeFileSync(join(dir, 'keys/export.pem'), pemOfKey(key.publicKey));
  resum(dir);
  const note = signText(key, `airlock-export/v1\n${sha256Hex(read('SHA256SUMS', dir))}\ndefault\n2026-11-20T12:00:00.000Z\n`);
  const { signed, signature } = partsOfNote(key.publicKey, note);
  writeFileSync(join(dir, 'SHA256SUMS.signed'), signed);
  writeFileSync(join(dir, 'SHA256SUMS.sig'), signature);
};

const lineOf = (text: string, at: number): string => `${text.split('\n')[at] ?? ''}\n`;

/** Another last digit. */
const flipped = (_: string, before: string, digit: string): string => `${before}${digit === '0' ? '1' : '0'}\n`;

const FORGERIES: Readonly<Record<string, (dir: string) => void>> = {
  'a line is edited': (dir) => change(dir, 'gateway/lines.jsonl', (text) => text.replace('my own', 'my odd')),
  'a line is deleted': (dir) => change(dir, 'gateway/lines.jsonl', (text) => text.replace(lineOf(text, 2), '')),
  'a line is doubled': (dir) => change(dir, 'gateway/lines.jsonl', (text) => lineOf(text, 0) + text),
  'two lines are swapped': (dir) =>
    change(dir, 'gateway/lines.jsonl', (text) =>
      text.replace(lineOf(text, 1) + lineOf(text, 2), lineOf(text, 2) + lineOf(text, 1)),
    ),
  'a line is added at the end': (dir) => change(dir, 'gateway/lines.jsonl', (text) => text + lineOf(text, 0)),
  'a line is added that does not end': (dir) => change(dir, 'gateway/lines.jsonl', (text) => text + lineOf(text, 0).trimEnd()),
  'the chain is shorter': (dir) => change(dir, 'gateway/chain', (text) => text.replace(lineOf(text, 3), '')),
  'the chain ends early': (dir) => change(dir, 'gateway/chain', (text) => text.slice(0, text.slice(0, -1).lastIndexOf('\n') + 1)),
  'a left-out record is another': (dir) => change(dir, 'gateway/chain', (text) => text.replace(/(left-out .*)(.)\n/, flipped)),
  'a line is called left out': (dir) => change(dir, 'gateway/chain', (text) => text.replace('line', 'left-out')),
  'the start is moved': (dir) =>
    change(dir, 'gateway/start', (text) => `${Number(text.split(' ')[0]) + 1} ${text.split(' ')[1] ?? ''}`),
  'the start has another hash': (dir) => change(dir, 'gateway/start', (text) => text.replace(/( .*)(.)\n/, flipped)),
  'the head is of another size': (dir) =>
    change(dir, 'gateway/head.signed', (text) => text.replace(/\n(\d+)\n/, (_, size: string) => `\n${Number(size) + 1}\n`)),
  'the heads of the logs are swapped': (dir) => {
    for (const part of ['note', 'signed', 'sig']) {
      const [a, b] = [`gateway/head.${part}`, `totp/head.${part}`].map((name) => readFileSync(join(dir, name)));
      writeFileSync(join(dir, `gateway/head.${part}`), b ?? '');
      writeFileSync(join(dir, `totp/head.${part}`), a ?? '');
    }
  },
  'the signature of a head is taken for that of the export': (dir) => {
    for (const part of ['signed', 'sig']) cpSync(join(dir, `gateway/head.${part}`), join(dir, `SHA256SUMS.${part}`));
  },
  'a start that a shell would compute with': (dir) =>
    change(dir, 'gateway/start', (text) => `LC_ALL[$(touch\${IFS}RAN)0]${text.slice(text.indexOf(' '))}`),
  'a start that is no decimal number': (dir) => change(dir, 'gateway/start', (text) => `0${text}`),
  'a digest of another length': (dir) => change(dir, 'gateway/chain', (text) => text.replace('\n', '00\n')),
  'bytes that a shell does not read': (dir) => change(dir, 'gateway/lines.jsonl', (text) => text.replace('{', '{\0')),
  'a log is taken out': (dir) => rmSync(join(dir, 'totp'), { recursive: true }),
  'a file is taken out': (dir) => unlinkSync(join(dir, 'gateway/chain')),
  'the summary is changed': (dir) => change(dir, 'SUMMARY.json', (text) => text.replace('taken', 'token')),
};

const keyOf = (name: string): string =>
  readFileSync(join(running.env['AIRLOCK_CONFIG_DIR'] ?? '', 'keys', `${name}.vkey`), 'utf8').trim();

t.test('EXPORT-8 EXPORT-9: audit verify BUNDLE, out of a directory and a tar, and what it refuses', async (t) => {
  const verify = (...args: string[]) => running.command('airlock-ctl', ['audit', 'verify', ...args]);
  t.match(await verify(bundle), {
    status: 0,
    stdout:
      /^gateway log: \d+ records, \d+ left out, up to the signed head of \d+\ntotp log: [^\n]+\ngood: signed by default at \d{4}-/,
  });
  const tar = join(running.dir, 'whole.tar');
  t.equal((await running.command('airlock-ctl', ['audit', 'export', '--session', mine.session, '-o', tar])).status, 0);
  t.match(await verify(tar, '--json'), { status: 0, json: { ok: true, operator: 'default' } });
  const offline = { env: { AIRLOCK_RUNTIME_DIR: '/nowhere', AIRLOCK_CONFIG_DIR: '/nowhere' } };
  const keys = ['export', 'gateway', 'totp'].flatMap((name) => ['--key', join(bundle, `keys/${name}.vkey`)]);
  t.match(
    await running.command('airlock-ctl', ['audit', 'verify', tar, ...keys], offline),
    { status: 0 },
    'offline, with public keys alone',
  );
  t.match(await running.command('airlock-ctl', ['audit', 'verify', tar], offline), {
    stderr: /public key .* cannot be read[^]*--key FILE/,
  });

  const bytes = readFileSync(tar);
  const at = join(running.dir, 'changed.tar');
  for (const [name, changed] of Object.entries({
    cut: bytes.subarray(0, 5000),
    'cut at a block': bytes.subarray(0, 1024),
    empty: Buffer.alloc(0),
    'no tar': Buffer.from('x'.repeat(2000)),
    'a name twice': Buffer.concat([bytes.subarray(0, -1024), bytes]),
    'a size beyond the end': Buffer.from(bytes).fill('77777777777', 124, 135),
  })) {
    writeFileSync(at, changed);
    t.match(await verify(at), { status: 2, stderr: /allowed: an export of the record/ }, name);
  }
  for (const byte of [600, 20_000, Math.floor(bytes.length / 2)]) {
    const flipped = Buffer.from(bytes);
    flipped[byte] = (flipped[byte] ?? 0) ^ 1;
    writeFileSync(at, flipped);
    t.not((await verify(at)).status, 0, `bit flipped at ${byte}`);
  }
  truncateSync(at, 3 * 1024 ** 3);
  t.match(await verify(at), { status: 2, stderr: /more than an export can have/ }, 'gigabytes are not read');
  const stranger = spawnSync('tar', ['-cPf', at, '--transform', 's,^,x/../../,', 'keys'], { cwd: bundle });
  t.equal(stranger.status, 0);
  t.match(await verify(at), { status: 2, stderr: /something in it that no export has/ }, 'names that lead elsewhere');
  const linked = join(running.dir, 'linked');
  cpSync(bundle, linked, { recursive: true });
  rmSync(join(linked, 'gateway/chain'));
  symlinkSync(join(bundle, 'gateway/chain'), join(linked, 'gateway/chain'));
  t.match(await verify(linked), { status: 2, stderr: /a symlink/ });
  t.match(await verify(join(running.dir, 'nothing')), { status: 2, stderr: /found nothing, allowed: an export/ });
  t.match(await verify('/dev/zero'), { status: 2, stderr: /no regular file/ });
});

t.test('EXPORT-8: an archive that is unpacked to something else than what is read of it', async (t) => {
  const tar = (...args: string[]): void => void t.equal(spawnSync('tar', args, { cwd: running.dir }).status, 0, args.join(' '));
  const verify = (path: string) => running.command('airlock-ctl', ['audit', 'verify', path]);
  const at = join(running.dir, 'unpacked.tar');
  const forged = join(running.dir, 'forged/export');
  cpSync(bundle, forged, { recursive: true });
  change(forged, 'gateway/lines.jsonl', (text) => text.replaceAll('mail', 'liam'));
  const lines = 'export/gateway/lines.jsonl';
  const packed = (): void => tar('-cf', at, '--format=ustar', 'export');
  const glued =
    (zeros: number, ...args: string[]): (() => void) =>
    () => {
      packed();
      const whole = readFileSync(at);
      const end = whole.length - (/\0*$/.exec(whole.toString('latin1'))?.[0].length ?? 0);
      tar('-cf', at, ...args);
      const kept = whole.subarray(0, Math.ceil(end / 512) * 512);
      writeFileSync(at, Buffer.concat([kept, Buffer.alloc(zeros * 512), readFileSync(at)]));
    };
  packed();
  t.match(await verify(at), { status: 0 }, 'negative control: packed again with its folders');
  tar('-cf', at, '--format=ustar', '-C', bundle, '.');
  t.match(await verify(at), { status: 0 }, 'negative control: without a folder');
  for (const [name, pack] of Object.entries({
    'its folder in another spelling': glued(0, '--format=ustar', '-C', 'forged', `./${lines}`),
    'a second folder': glued(0, '--format=ustar', '--transform', 's,^export,x/../export,', '-C', 'forged', lines),
    'a name in an extended header': glued(
      0,
      '--format=pax',
      '--pax-option',
      `path:=${lines}`,
      '-C',
      'forged',
      'export/VERIFY.md',
    ),
    'a file that no export has': glued(0, '--format=ustar', '--transform', 's,VERIFY,READ,', '-C', 'forged', 'export/VERIFY.md'),
    'behind one block of zeros': glued(1, '--format=ustar', '-C', 'forged', lines),
  })) {
    pack();
    t.match(await verify(at), { status: 2, stderr: /allowed: an export of the record/ }, name);
  }
});

t.test('what README.md shows of it is what the commands print', async (t) => {
  const [, shown = ''] =
    /```\n(ada\$ airlock-ctl audit export[^`]*)```/.exec(readFileSync(join(checkout, 'README.md'), 'utf8')) ?? [];
  const shape = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\dT[0-9:.]+Z/g, 'T').replaceAll(/\d+/g, 'N');
  const tar = join(running.dir, '9f2kq1.tar');
  const made = await running.command('airlock-ctl', ['audit', 'export', '--session', mine.session, '-o', tar]);
  const verified = await running.command('airlock-ctl', ['audit', 'verify', tar]);
  const printed = [
    'ada$ airlock-ctl audit export --session 9f2kq1 -o 9f2kq1.tar\n',
    made.stdout.replace(tar, '9f2kq1.tar'),
    'ada$ airlock-ctl audit verify 9f2kq1.tar\n',
    verified.stdout.replace('by default', 'by ada'),
  ].join('');
  t.equal(shape(shown), shape(printed));
});

t.test('audit --session and --lease show what belongs to it, and nothing of others', async (t) => {
  for (const [flag, id] of [
    ['--session', mine.session],
    ['--lease', mine.lease],
  ] as const) {
    const { status, json } = await running.command('airlock-ctl', ['audit', flag, id, '--json']);
    t.equal(status, 0);
    const events = (json as { event: string; log: string }[]).map(({ log, event }) => `${log} ${event}`);
    for (const event of ['gateway operation', 'totp totp_verified', 'totp lease_issued'])
      t.ok(events.includes(event), `${flag}: ${event}`);
    t.notMatch(JSON.stringify(json), new RegExp(`secret purpose|${theirs.session}|${theirs.lease}`));
  }
  t.match(await running.command('airlock-ctl', ['audit', '--session', 'nobody']), { status: 0, stdout: 'no record\n' });
});

t.test('EXPORT-4: every forgery fails, as it is, with new sums, and signed anew by another key', async (t) => {
  const at = join(running.dir, 'forged');
  for (const [name, forge] of Object.entries(FORGERIES)) {
    for (const [how, finish] of [
      ['as it is', () => undefined],
      ['with new sums', resum],
      ['signed anew', resign],
    ] as const) {
      rmSync(at, { recursive: true, force: true });
      cpSync(bundle, at, { recursive: true });
      forge(at);
      finish(at);
      const { status, stdout } = check(at);
      t.equal(status, 1, `${name}, ${how}: ${stdout}`);
      t.match(stdout, /(^|\n)FAILED: /, `${name}, ${how}`);
      const verdict = verifyBundle(readBundle(at), keyOf);
      t.match(verdict, { ok: false, firstBad: { problem: /./ } }, `EXPORT-9: ${name}, ${how}`);
    }
  }
});

t.test('signed by its own operator: lines that the log never had fail, however SHA256SUMS names them', async (t) => {
  const at = join(running.dir, 'named');
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  for (const [name, write] of [
    ['as of a binary file', (sums: string) => sums.replaceAll('  gateway/', ' *gateway/')],
    ['not at all', (sums: string) => sums.replaceAll(/^.*  gateway\/.*\n/gm, '')],
    ['by another way', (sums: string) => sums.replaceAll('  gateway/', '  ./gateway/')],
  ] as const) {
    rmSync(at, { recursive: true, force: true });
    cpSync(bundle, at, { recursive: true });
    change(at, 'gateway/lines.jsonl', (text) => text.replaceAll('count_unread', 'send_message'));
    resum(at);
    change(at, 'SHA256SUMS', write);
    const { note } = (await link.call('export.sign', { digest: sha256Hex(read('SHA256SUMS', at)) })) as { note: string };
    const { signed, signature } = partsOfNote(keyOf('export'), note);
    for (const [part, bytes] of Object.entries({ note, signed, sig: signature }))
      writeFileSync(join(at, `SHA256SUMS.${part}`), bytes);
    for (const shell of ['dash', 'bash'])
      t.match(check(at, undefined, shell), { status: 1, stdout: /^FAILED: / }, `${name}, ${shell}`);
    t.match(verifyBundle(readBundle(at), keyOf), { ok: false }, name);
  }
  link.close();
});

t.test('with the keys of the bundle itself, the chain still refuses what no summary and no missing log can hide', async (t) => {
  const at = join(running.dir, 'resigned');
  const outside = new Set([
    'a log is taken out',
    'the summary is changed',
    'the signature of a head is taken for that of the export',
  ]);
  for (const [name, forge] of Object.entries(FORGERIES)) {
    rmSync(at, { recursive: true, force: true });
    cpSync(bundle, at, { recursive: true });
    forge(at);
    resign(at);
    for (const shell of ['dash', 'bash']) {
      const { status, stdout } = check(at, 'keys', shell);
      t.equal(status, outside.has(name) ? 0 : 1, `${name}, ${shell}: ${stdout}`);
    }
    t.notOk(existsSync(join(at, 'RAN')), `${name}: nothing of a bundle is run`);
  }
});

t.test('a lease, a span, a tar file', async (t) => {
  const run = (...args: string[]) => running.command('airlock-ctl', ['audit', 'export', ...args, '--json']);
  const tar = join(running.dir, 'lease.tar');
  t.match(await run('--lease', mine.lease, '-o', tar), { status: 0, json: { output: tar } });
  mkdirSync(join(running.dir, 'untar'));
  t.equal(spawnSync('tar', ['-xf', tar, '-C', join(running.dir, 'untar')]).status, 0);
  const [folder = ''] = readdirSync(join(running.dir, 'untar'));
  t.match(check(join(running.dir, 'untar', folder)), { status: 0 });
  t.notMatch(read('gateway/lines.jsonl', join(running.dir, 'untar', folder)), theirs.lease);
  const span = join(running.dir, 'span');
  t.match(await run('--last', '1d', '-o', span), { status: 0 });
  t.match(check(span), { status: 0 });
  t.match(read('gateway/lines.jsonl', span), 'secret purpose', 'without session and lease all of the span');
});

t.test('EXPORT-6: what is there is not replaced, bad input says what is allowed, and nothing is left behind', async (t) => {
  const run = (...args: string[]) => running.command('airlock-ctl', ['audit', 'export', ...args]);
  const before = read('SHA256SUMS');
  t.match(await run('--session', mine.session, '-o', bundle), { status: 2, stderr: /is there already/ });
  t.equal(read('SHA256SUMS'), before);
  const nowhere = join(running.dir, 'no', 'where');
  t.match(await run('--session', mine.session, '-o', nowhere), { status: 2, stderr: /cannot be written \(ENOENT\)/ });
  t.match(await run('-o', nowhere), { status: 2, stderr: /nothing says what to export/ });
  t.match(await run('--session', 'nobody', '-o', join(running.dir, 'x')), { stderr: /no record is of what was asked for/ });
  t.match(await run('--since', 'yesterday', '-o', join(running.dir, 'x')), {
    status: 2,
    stderr: /for example 2026-11-20|a day or an instant/,
  });
  t.notOk(readdirSync(running.dir).some((name) => name.endsWith('.new')));
});
