// Attack: hand a verifier copied files that were changed, with every hash made to fit. AUDIT-10, AUDIT-11, AUDIT-21.
// One table, one verifier: `airlock-ctl audit verify --dir`, with public keys and kept heads alone.
import { Chain, generateHeadKey, lineDigest, openLog, parsePrivateKey, signHead, type Head } from '@airlock/audit';
import { systemTimers } from '@airlock/protocol';
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const dir = mkdtempSync(join(tmpdir(), 'airlock-copies-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const DAYS = ['2026-11-20', '2026-11-21'] as const;
const keys = {
  gateway: parsePrivateKey(generateHeadKey('airlock-gateway').privateKey),
  totp: parsePrivateKey(generateHeadKey('airlock-totp').privateKey),
};

/** A log of two days, as its one writer leaves it. */
const written = async (path: string, mark: string): Promise<string[]> => {
  let wall = Date.parse(`${DAYS[0]}T12:00:00Z`);
  const clock = { wallMs: () => wall, bootMs: () => 0 };
  const log = openLog({ dir: path, clock, reserveBytes: 0, bootId: 'b', timers: systemTimers });
  for (let n = 1; n <= 12; n += 1) {
    if (n === 7) wall += 86_400_000;
    log.append('operation', { role: mark, service: 'mail', operation: `op_${n}` });
  }
  await log.close();
  return DAYS.flatMap((day) =>
    readFileSync(join(path, `${day}.jsonl`), 'utf8')
      .split('\n')
      .slice(0, -1),
  );
};

const headsOf = (lines: readonly string[]): Head[] => {
  const chain = new Chain();
  const heads = [chain.head()];
  for (const line of lines) {
    chain.extend(lineDigest(Buffer.from(line)).toString('latin1'));
    heads.push(chain.head());
  }
  return heads;
};

/** The attacker's chain: seq and prev computed anew from the first line on. */
const rechained = (lines: readonly string[]): string[] => {
  const chain = new Chain();
  return lines.map((line) => {
    const text = JSON.stringify({ ...(JSON.parse(line) as object), seq: chain.size + 1, prev: chain.hash });
    chain.extend(lineDigest(Buffer.from(text)).toString('latin1'));
    return text;
  });
};

const lines = await written(join(dir, 'original'), 'default');
const other = await written(join(dir, 'other'), 'another');
const heads = headsOf(lines);
const noteAt = (size: number, log: 'gateway' | 'totp' = 'gateway'): string =>
  signHead(keys[log], `airlock-${log}`, heads[size] ?? { size, hash: '' });

interface Copy {
  readonly lines?: readonly string[];
  readonly notes?: readonly string[];
}

const AT = 4;
const edited = (line: string): string => line.replace('"service":"mail"', '"service":"bank"');
const swappedSizes = (): readonly string[] => {
  const [a, b] = [noteAt(6).split('\n'), noteAt(12).split('\n')];
  return [[a[0], b[1], ...a.slice(2)].join('\n'), [b[0], a[1], ...b.slice(2)].join('\n')];
};

/** What an attacker makes of the files or of the kept heads, and what the verifier must say of it. */
const TAMPERINGS: Readonly<Record<string, readonly [Copy, RegExp]>> = {
  edit: [{ lines: lines.with(AT, edited(lines[AT] ?? '')) }, /2026-11-20\.jsonl line 6: prev is not/],
  delete: [{ lines: lines.toSpliced(AT, 1) }, /2026-11-20\.jsonl line 5: seq is 6, not 5/],
  'delete at the start': [{ lines: lines.slice(1) }, /line 1: seq is 2, not 1/],
  insert: [{ lines: lines.toSpliced(AT, 0, lines[AT] ?? '') }, /line 6: seq is 5, not 6/],
  swap: [{ lines: lines.toSpliced(AT, 2, lines[AT + 1] ?? '', lines[AT] ?? '') }, /line 5: seq is 6, not 5/],
  truncate: [{ lines: lines.slice(0, 9) }, /--head \S+: the log ends at 9/],
  'truncate in a line': [{ lines: [...lines.slice(0, 11), (lines[11] ?? '').slice(0, 40)] }, /line 6: /],
  'full rewrite with recomputed hashes': [{ lines: rechained(lines.with(AT, edited(lines[AT] ?? ''))) }, /another history/],
  'delete, the rest recomputed': [{ lines: rechained(lines.toSpliced(AT, 1)) }, /another history/],
  'duplicate key': [{ lines: lines.with(AT, (lines[AT] ?? '').replace(',"prev"', ',"role":"x","prev"')) }, /line 5: .*twice/],
  'duplicate key behind an escape': [
    { lines: lines.with(AT, (lines[AT] ?? '').replace(',"prev"', ',"\\u0072ole":"x","prev"')) },
    /line 5: .*twice/,
  ],
  'two writers, one after the other': [{ lines: [...lines, ...other.slice(6)] }, /line 7: seq is 7, not 13/],
  'two writers, line by line': [{ lines: lines.flatMap((line, at) => [line, other[at] ?? '']) }, /line 2: seq is 1, not 2/],
  'restored older copy': [{ lines: lines.slice(0, 6) }, /the log ends at 6/],
  'restored older copy that went on': [
    { lines: [...lines.slice(0, 6), ...rechained([...lines.slice(0, 6), ...other.slice(6)]).slice(6)] },
    /another history/,
  ],
  'another log with a head of its own key': [{ lines: other }, /another history/],
};

/** What an attacker, or a slip, makes of heads that were kept: they are no proof any more, and no fault of the record. */
const USELESS: Readonly<Record<string, readonly [readonly string[], RegExp]>> = {
  'size and hash of two heads': [swappedSizes(), /head-0: the signature of airlock-gateway is wrong: is it mistyped/],
  'signed by the key of the other log': [
    [noteAt(12), signHead(keys.totp, 'airlock-gateway', heads[12] ?? { size: 12, hash: '' })],
    /head-1: no signature by a known key: .* of other keys\?/,
  ],
  'of the other log, which is not here': [[noteAt(12, 'totp')], /head-0: it is a head of airlock-totp, whose log is not here/],
  'of a stranger': [
    [signHead(keys.totp, 'airlock-other', heads[12] ?? { size: 12, hash: '' })],
    /head-0: it is a head of airlock-other, whose log is not here: .* another machine\?/,
  ],
};

const place = (name: string, { lines: kept = lines, notes = [noteAt(6), noteAt(12)] }: Copy): string[] => {
  const copy = join(dir, name.replaceAll(/\W+/g, '-'));
  mkdirSync(join(copy, 'gateway'), { recursive: true });
  const files = new Map<string, string[]>();
  let day: string = DAYS[0];
  for (const line of kept) {
    if (line.includes(DAYS[1])) day = DAYS[1];
    files.set(day, [...(files.get(day) ?? []), line]);
  }
  const isTorn = name === 'truncate in a line';
  for (const [one, texts] of files)
    writeFileSync(join(copy, 'gateway', `${one}.jsonl`), `${texts.join('\n')}${isTorn && one === DAYS[1] ? '' : '\n'}`);
  writeFileSync(join(copy, 'gateway.vkey'), `${keys.gateway.publicKey}\n`);
  const noteFiles = notes.map((note, at) => {
    const file = join(copy, `head-${at}`);
    writeFileSync(file, note);
    return file;
  });
  return ['--dir', copy, '--key', join(copy, 'gateway.vkey'), ...noteFiles.flatMap((file) => ['--head', file])];
};

const verify = (args: readonly string[]): { status: number | null; out: string; firstBad?: unknown } => {
  const run = spawnSync(process.execPath, [join(checkout, 'dist/lib/airlock-ctl.cjs'), 'audit', 'verify', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: dir, AIRLOCK_CONFIG_DIR: join(dir, 'none') },
  });
  return { status: run.status, out: run.stdout + run.stderr };
};

t.test('negative control: the copy as it was written is whole', async (t) => {
  t.same(
    readdirSync(join(dir, 'original')).filter((name) => name.endsWith('.jsonl')),
    DAYS.map((day) => `${day}.jsonl`),
  );
  const args = place('untouched', {});
  t.match(verify(args), { status: 0, out: /^whole: 12 records, 2 signed heads\n$/ });
  t.match(verify([...args, '--json']), { status: 0, out: /^\{"ok":true,"status":"whole","records":12,"checkpoints":2\}\n$/ });
  t.match(verify([...args, '--head', heads[5]?.hash ?? '']), { status: 0 }, 'a hash that was written down');
  t.match(verify(place('longer than its heads', { notes: [noteAt(6)] })), { status: 0 }, 'an older head is no fault');
});

t.test('every tampering is found, and the first bad line is named', async (t) => {
  for (const [name, [copy, expected]] of Object.entries(TAMPERINGS)) {
    const { status, out } = verify(place(name, copy));
    t.equal(status, 7, `${name}: ${out}`);
    t.match(out, expected, name);
    t.match(out, /^DAMAGED: gateway log, (\S+ line \d+|--head \S+): /, name);
  }
});

t.test('AUDIT-32: a head that is not of this log and its key is told as that, by the name it was given', async (t) => {
  for (const [name, [notes, expected]] of Object.entries(USELESS)) {
    const args = place(`useless ${name}`, { notes });
    const { status, out } = verify(args);
    t.equal(status, 7, `${name}: ${out}`);
    t.match(out, /^UNPROVEN: nothing speaks against 12 records/, name);
    t.match(out, expected, name);
    t.notMatch(out, /DAMAGED|changed after/, name);
    t.match(verify([...args, '--json']), { status: 7, out: /"ok":false,"status":"unproven".*"unproven":\[\{"head":"--head / });
    const changed = place(`useless and changed ${name}`, { lines: lines.with(AT, edited(lines[AT] ?? '')), notes });
    t.match(verify(changed), { status: 7, out: expected }, 'what is damaged is told first, and this as well');
  }
});

t.test('a head in hexadecimal alone finds a rewrite, and a log that is shorter', async (t) => {
  const kept = heads[10]?.hash ?? '';
  const rewrite = place('rewrite', { lines: rechained(lines.with(AT, edited(lines[AT] ?? ''))), notes: [] });
  t.match(
    verify(rewrite),
    { status: 7, out: /^UNPROVEN.*\ngateway log: no signed head/ },
    'without any head only the chain speaks',
  );
  t.match(verify([...rewrite, '--head', kept]), {
    status: 7,
    out: /gateway log, --head [0-9a-f]{64}: no record ends with this hash\n[^]*mistyped, of another machine/,
  });
  t.match(verify([...place('short', { lines: lines.slice(0, 9), notes: [] }), '--head', kept.toUpperCase()]), { status: 7 });
});

t.test('AUDIT-32: the head of no records proves nothing, for every log begins with it', async (t) => {
  const none = heads[0]?.hash ?? '';
  t.equal(none, '0'.repeat(64));
  const rewrite = place('rewrite from the start', { lines: rechained(lines.with(AT, edited(lines[AT] ?? ''))), notes: [] });
  const signed = join(dir, 'head-of-nothing');
  writeFileSync(signed, noteAt(0));
  for (const head of [none, signed]) {
    const { status, out } = verify([...rewrite, '--head', head]);
    t.equal(status, 7, out);
    t.match(
      out,
      /^UNPROVEN: .*0 signed heads[^]*\n--head \S+: it is the head of no records at all[^]*no signed head of it was met/,
    );
    t.match(verify([...place('untouched beside it', {}), '--head', head]), { status: 7, out: /^UNPROVEN/ }, 'it was given');
  }
});

t.test('AUDIT-33: a key of another machine makes no copy whole, and it is asked whose it is', async (t) => {
  const args = place('by another key', { notes: [] });
  writeFileSync(join(args[1] ?? '', 'gateway.vkey'), generateHeadKey('airlock-gateway').publicKey);
  t.match(verify(args), { status: 7, out: /^UNPROVEN/ }, 'without any head');
  const [, at = ''] = args;
  const clock = { wallMs: () => Date.parse(`${DAYS[1]}T13:00:00Z`), bootMs: () => 0 };
  const log = openLog({ dir: join(at, 'totp'), clock, reserveBytes: 0, bootId: 'b', timers: systemTimers });
  log.append('checkpoint', { origin: 'airlock-gateway', size: 12, hash: heads[12]?.hash ?? '', note: noteAt(12) });
  await log.close();
  writeFileSync(join(at, 'totp.vkey'), keys.totp.publicKey);
  t.match(verify([...args, '--key', join(at, 'totp.vkey')]), {
    status: 7,
    out: /by a known key\n[^]*hint: is the key that was given of/,
  });
});

t.test('AUDIT-31: the heads that the log of airlock-totp countersigned bind the copy of the gateway log', async (t) => {
  const beside = async (name: string, copy: Copy, ...more: readonly (readonly [string, object])[]): Promise<string[]> => {
    const [, at = ''] = place(name, { ...copy, notes: [] });
    const clock = { wallMs: () => Date.parse(`${DAYS[1]}T13:00:00Z`), bootMs: () => 0 };
    const log = openLog({ dir: join(at, 'totp'), clock, reserveBytes: 0, bootId: 'b', timers: systemTimers });
    log.append('checkpoint', { origin: 'airlock-gateway', size: 12, hash: heads[12]?.hash ?? '', note: noteAt(12) });
    for (const [event, fields] of more) log.append(event, { ...fields });
    await log.close();
    writeFileSync(
      join(at, 'heads'),
      JSON.stringify({ 'airlock-totp': signHead(keys.totp, 'airlock-totp', log.head()), 'airlock-gateway': noteAt(12) }),
    );
    writeFileSync(join(at, 'totp.vkey'), `${keys.totp.publicKey}\n`);
    return ['--dir', at, ...['gateway', 'totp'].flatMap((one) => ['--key', join(at, `${one}.vkey`)])];
  };
  const rewritten = rechained(lines.with(AT, edited(lines[AT] ?? '')));
  t.match(verify(await beside('both', {})), { status: 7, out: /^UNPROVEN: .* 13 records, 1 .*\ntotp log: no signed head/ });
  const both = await beside('both with the file heads', {});
  const headsFile = ['--head', join(both[1] ?? '', 'heads')];
  t.match(verify([...both, ...headsFile]), { status: 0, out: /^whole: 13 records, 3 signed heads\n$/ });
  const one = (log: string): string[] => [...both, ...headsFile, '--log', log];
  t.match(verify(one('gateway')), { status: 0, out: /^whole: 12 records/ }, 'AUDIT-33: the one that is named');
  t.match(verify(one('totp')), { status: 0, out: /^whole: 1 records/ });
  t.match(verify(await beside('both short', { lines: lines.slice(0, 9) })), {
    status: 7,
    out: /ends at 9, before this head of 12/,
  });
  t.match(verify(await beside('both rewritten', { lines: rewritten })), { status: 7, out: /gateway log, .*another history/ });
  const accepted = ['log_accepted', { id: 'x', log: 'airlock-gateway', size: 12 }] as const;
  const anew = await beside('begun anew since', { lines: other }, accepted);
  t.match(verify(anew), { status: 7, out: /gateway log: no signed head of it [^]*begun anew with a code/ });
});

t.test(
  'AUDIT-31 AUDIT-32: a copy of the log of airlock-totp alone is proven by a head of its own, and by nothing in it',
  async (t) => {
    const at = join(dir, 'totp alone');
    const write = async (path: string, role: string): Promise<Head> => {
      const clock = { wallMs: () => Date.parse(`${DAYS[1]}T13:00:00Z`), bootMs: () => 0 };
      const log = openLog({ dir: path, clock, reserveBytes: 0, bootId: 'b', timers: systemTimers });
      for (let size = 1; size <= 3; size += 1) {
        log.append('lease_issued', { role });
        log.append('checkpoint', { origin: 'airlock-gateway', size, hash: heads[size]?.hash ?? '', note: noteAt(size) });
      }
      await log.close();
      return log.head();
    };
    for (const name of ['honest', 'rewritten']) mkdirSync(join(at, name), { recursive: true });
    const head = await write(join(at, 'honest/totp'), 'default');
    await write(join(at, 'rewritten/totp'), 'another');
    for (const log of ['gateway', 'totp'] as const) writeFileSync(join(at, `${log}.vkey`), `${keys[log].publicKey}\n`);
    writeFileSync(
      join(at, 'heads'),
      JSON.stringify({ 'airlock-totp': signHead(keys.totp, 'airlock-totp', head), 'airlock-gateway': noteAt(12), givenUp: {} }),
    );
    const check = (name: string, ...more: readonly string[]): ReturnType<typeof verify> =>
      verify(['--dir', join(at, name), '--key', join(at, 'totp.vkey'), ...more]);
    for (const name of ['honest', 'rewritten']) {
      t.match(check(name), {
        status: 7,
        out: /^UNPROVEN: .*\ntotp log: no signed head of it .*\n.*hint: give a signed head of it/,
      });
      const { status, out } = check(name, '--json');
      t.match(
        { status, ...(JSON.parse(out.split('\n')[0] ?? '') as object) },
        { status: 'unproven', ok: false, unsigned: ['totp'] },
      );
      t.notMatch(out, 'whole', name);
    }
    const file = join(at, 'heads');
    t.match(
      check('honest', '--head', file),
      { status: 0, out: /^whole: 6 records, 1 signed heads\n$/ },
      "airlock-totp's own file",
    );
    t.match(check('honest', '--head', head.hash), { status: 0, out: /^whole/ }, 'a hash that was written down');
    t.match(check('rewritten', '--head', file), { status: 7, out: /DAMAGED: totp log, .*--head .*heads has another history/ });
    t.match(check('rewritten', '--head', head.hash), { status: 7, out: /no record ends with this hash/ });
    writeFileSync(file, '{"airlock-totp":null,"airlock-gateway":null}');
    t.match(check('honest', '--head', file), { status: 2, out: /cannot be read as 64 hexadecimal digits/ });
    writeFileSync(file, '{');
    t.match(check('honest', '--head', file), { status: 2, out: /cannot be read as 64 hexadecimal digits/ });
  },
);

t.test('bad input says what was found and what is allowed', async (t) => {
  const args = place('inputs', {});
  t.match(verify([...args, '--head', 'abc']), {
    status: 2,
    out: /--head: abc cannot be read as 64 hexadecimal digits.*\n.*hint: correct the option --head, allowed: 64 hexadecimal/,
  });
  t.match(verify(['--dir', join(dir, 'nowhere')]), {
    status: 1,
    out: /is not there\n.*hint: it should hold totp\/ and gateway\//,
  });
  t.match(verify(['--dir', join(args[1] ?? '', 'gateway'), '--log', 'totp', '--key', args[3] ?? '']), {
    status: 2,
    out: /--key: none is of the log airlock-totp/,
  });
  mkdirSync(join(dir, 'empty'));
  t.match(verify(['--dir', join(dir, 'empty')]), { status: 1, out: /holds no log\n.*hint: it should hold totp\/ and gateway\// });
  t.match(verify(['--dir', join(dir, 'original')]), {
    status: 1,
    out: /nothing says whose\n.*hint: say whose it is: --log gateway/,
  });
  t.match(verify([...args, '--log', 'totp']), { status: 1, out: /holds no totp\/\n/ });
  t.match(verify([...args, '--log', 'gateway']), { status: 0, out: /^whole: 12 records/ });
  t.match(verify(['--dir', dir, '--log', 'other']), { status: 2, out: /--log: found other, allowed: gateway or totp/ });
  t.match(verify([...args.slice(0, 2), '--key', join(dir, 'original')]), {
    status: 2,
    out: /--key: .* cannot be read as a public key/,
  });
  writeFileSync(join(dir, 'no-note'), 'hello\n');
  t.match(verify([...args, '--head', join(dir, 'no-note')]), { status: 2, out: /signed/ });
});
