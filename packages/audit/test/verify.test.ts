import fc from 'fast-check';
import t from 'tap';
import {
  Chain,
  EMPTY_HEAD,
  decideHead,
  generateHeadKey,
  lineDigest,
  parsePrivateKey,
  query,
  signHead,
  verifyLog,
  type Head,
  type SegmentSource,
  type VerifyResult,
} from '../src/index.js';
import { LineScanner } from '../src/line-scanner.js';
import { encodeRecord } from '../src/record.js';
import { SEGMENT, oneSegment } from './fixture.js';

const ORIGIN = 'airlock/test';
const key = parsePrivateKey(generateHeadKey(ORIGIN).privateKey);
const TS = '2026-11-20T12:00:00.000Z';

const digestText = (line: Buffer): string => lineDigest(line.subarray(0, -1)).toString('latin1');

/** The lines of a good log, and its head after each. */
const goodLog = (count: number, mark = 'n'): { lines: Buffer[]; heads: Head[] } => {
  const chain = new Chain();
  const heads = [chain.head()];
  const lines: Buffer[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const line = encodeRecord({ seq, ts: TS, prev: chain.hash }, 'operation', {
      [mark]: seq,
      deep: { a: 'ä', b: [true, null, -1.5e3, 'x"\\'] },
    });
    lines.push(line);
    chain.extend(digestText(line));
    heads.push(chain.head());
  }
  return { lines, heads };
};

const LOG = goodLog(12);
const HEAD = signHead(key, ORIGIN, LOG.heads[12] ?? EMPTY_HEAD);

const check = (lines: readonly Buffer[], more: object = {}, piece?: number): Promise<VerifyResult> =>
  verifyLog({
    segments: oneSegment(Buffer.concat(lines), piece),
    origin: ORIGIN,
    heads: [HEAD],
    publicKeys: [key.publicKey],
    ...more,
  });

const replaced = (at: number, ...by: Buffer[]): Buffer[] => LOG.lines.toSpliced(at, 1, ...by);
const line = (at: number): Buffer => LOG.lines[at] ?? Buffer.alloc(0);

/** The same records with every seq and prev computed anew: what someone with the whole disk would write. */
const rewritten = (lines: readonly Buffer[]): Buffer[] => {
  const chain = new Chain();
  return lines.map((old) => {
    const { ts, event, ...rest } = JSON.parse(old.toString()) as Record<string, never>;
    const fields = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'seq' && name !== 'prev'));
    const made = encodeRecord({ seq: chain.size + 1, ts: String(ts), prev: chain.hash }, String(event), fields);
    chain.extend(digestText(made));
    return made;
  });
};

t.test('a good log is good, in any pieces', async (t) => {
  for (const piece of [1, 7, 4096]) t.same(await check(LOG.lines, {}, piece), { ok: true, records: 12, checkpoints: 1 });
});

t.test('AUDIT-32 the head of no records is met by every log, so it counts as none', async (t) => {
  const none = signHead(key, ORIGIN, EMPTY_HEAD);
  t.same(await check(LOG.lines, { heads: [], hashes: [EMPTY_HEAD.hash] }), { ok: true, records: 12, checkpoints: 0, found: [] });
  t.same(await check(LOG.lines, { heads: [none] }), { ok: true, records: 12, checkpoints: 0 });
  t.same(await check(LOG.lines, { heads: [none, HEAD] }), { ok: true, records: 12, checkpoints: 1 });
  const first = encodeRecord({ seq: 1, ts: TS, prev: EMPTY_HEAD.hash }, 'checkpoint', { note: none });
  t.same(await check([first], { heads: [] }), { ok: true, records: 1, checkpoints: 0 }, 'in the log itself');
});

t.test('AUDIT-10 any changed byte is found', async (t) => {
  const bytes = Buffer.concat(LOG.lines);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ flip, at);
      const result = await check([changed]);
      return !result.ok && result.firstBad !== undefined;
    }),
    { numRuns: 1500, seed: 7 },
  );
  t.pass('1500 flips');
});

t.test('AUDIT-10 every line edited, deleted, inserted, doubled or swapped is found', async (t) => {
  for (let at = 0; at < LOG.lines.length; at += 1) {
    const edited = Buffer.from(line(at).toString().replace('"n":', '"m":'));
    const attacks: Record<string, Buffer[]> = {
      edit: replaced(at, edited),
      delete: replaced(at),
      double: replaced(at, line(at), line(at)),
      insert: replaced(at, encodeRecord({ seq: at + 1, ts: TS, prev: LOG.heads[at]?.hash ?? '' }, 'locked', {}), line(at)),
      'edit, all after it recomputed': rewritten(replaced(at, edited)),
      'delete, all after it recomputed': rewritten(replaced(at)),
      'duplicate key': replaced(at, Buffer.from(line(at).toString().replace('"deep":', '"n":0,"deep":'))),
      'nested duplicate key': replaced(at, Buffer.from(line(at).toString().replace('"b":', '"a":1,"b":'))),
      'escaped duplicate key': replaced(at, Buffer.from(line(at).toString().replace('"b":', '"\\u0061":1,"b":'))),
    };
    if (at > 0) attacks['swap'] = LOG.lines.toSpliced(at - 1, 2, line(at), line(at - 1));
    for (const [name, lines] of Object.entries(attacks)) {
      const result = await check(lines);
      t.equal(result.ok, false, `${name} at ${at}`);
      t.ok(result.firstBad && (result.firstBad.file === SEGMENT || result.firstBad.file === 'heads'));
    }
  }
});

t.test('negative control: without the chain check the same attacks pass, duplicate keys do not', async (t) => {
  const edited = replaced(3, Buffer.from(line(3).toString().replace('"n":', '"m":')));
  t.match(await check(edited, { checkChain: false }), { ok: true });
  t.match(await check(replaced(3), { checkChain: false }), { ok: true });
  t.match(await check(rewritten(edited), { checkChain: false }), { ok: true });
  t.match(await check(replaced(3, Buffer.from(line(3).toString().replace('"deep":', '"n":0,"deep":'))), { checkChain: false }), {
    ok: false,
  });
});

t.test('AUDIT-11 truncation before a signed head is found; behind it, it cannot be', async (t) => {
  for (let length = 0; length < 12; length += 1)
    t.match(await check(LOG.lines.slice(0, length)), { ok: false, firstBad: { file: 'heads', problem: /the log ends at/ } });
  const longer = goodLog(15).lines;
  t.match(await check(longer), { ok: true, records: 15 });
  t.match(await check(longer.slice(0, 12)), { ok: true, records: 12 }, 'an unsigned tail can be cut unseen');
});

t.test('a full rewrite is found by the head alone', async (t) => {
  t.match(await check(goodLog(12, 'other').lines), {
    ok: false,
    firstBad: { problem: /the signed head of \d+ records has another history/ },
  });
  t.match(await check(goodLog(12, 'other').lines, { heads: [] }), { ok: true });
});

t.test('AUDIT-4 AUDIT-5 the form of a line', async (t) => {
  const first = line(0).toString();
  const forms: readonly (readonly [string | Buffer, RegExp])[] = [
    [first.slice(0, -1), /does not end in LF/],
    [first.replace('\n', 'x'), /does not end in LF/],
    [`\n${first}`, /not a JSON object/],
    [first.replace('\n', ' \n'), /follows the object/],
    [first.replace('\n', '\r\n'), /follows the object/],
    [first.replace('}\n', '}{}\n'), /follows the object/],
    [first.replace('"seq":1', '"seq": 1'), /not JSON/],
    [first.replace('"seq":1', '"seq":01'), /malformed number/],
    [first.replace('"seq":1,', ''), /out of place/],
    [first.replace('"n":1', '"n":\t1'), /not JSON/],
    [first.replace('"n":1', '"n":1.'), /malformed number/],
    [first.replace('"n":1', '"n":tru'), /not JSON/],
    [first.replace('"n":1', '"n":"\\ud800"'), /lone surrogate/],
    [first.replace('"n":1', '"n":"\\x"'), /malformed string/],
    [first.replace('"n":1', '"n":"\u0001"'), /control character/],
    [first.replace('"n":1', 'n:1'), /without a name/],
    [first.replace('"n":1', '"n"'), /without a value/],
    [first.replace('"n":1', `"n":${'['.repeat(40)}${']'.repeat(40)}`), /too deep/],
    [first.replace('"n":1', `"n":${'{"a":'.repeat(40)}1${'}'.repeat(40)}`), /too deep/],
    [first.replace('"n":1', `"n":"${'x'.repeat(70_000)}"`), /longer than any record/],
    ['x'.repeat(70_000), /longer than any record/],
    [Buffer.concat([Buffer.from('{"seq":1,"a":"'), Buffer.of(0xff, 0x22, 0x7d, 0x0a)]), /invalid UTF-8/],
    [`{"a":"\\"}\n`, /without an end/],
    [`{"a":"b\n`, /without an end/],
    [`{"a":[1 2]}\n`, /malformed number/],
    [`{"a":[true true]}\n`, /not JSON/],
    [`{"a":true "b":1}\n`, /not JSON/],
  ];
  for (const [content, problem] of forms)
    for (const piece of [1 << 20, 5])
      t.match(await check([Buffer.from(content)], { heads: [] }, piece), {
        ok: false,
        records: 0,
        firstBad: { file: SEGMENT, line: 1, problem },
      });
});

t.test('the scanner accepts what JSON.parse reads back to the same text, and nothing else', (t) => {
  const scanner = new LineScanner();
  const problem = (text: string): string | null => scanner.problem(Buffer.from(text), 0, Buffer.byteLength(text));
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 6 })),
      (value) => problem(JSON.stringify(value)) === null,
    ),
    { numRuns: 2000, seed: 11 },
  );
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, i]));
  t.equal(problem(JSON.stringify(many)), null);
  t.match(problem(JSON.stringify(many).replace('"k59"', '"k7"')), /"k7" stands twice/);
  const text = '{"a":{"b":[1,-0.5e+3,"\\n\\u00e4",true,false,null,{},[]]},"c":"x"}';
  const agrees = (candidate: string): boolean => {
    try {
      const same = JSON.stringify(JSON.parse(candidate)) !== '' && candidate.isWellFormed();
      return same || problem(candidate) !== null;
    } catch {
      return problem(candidate) !== null;
    }
  };
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom(...'{}[],:"\\ \t019.eE+-tfnx'.split('')),
      fc.boolean(),
      (at, char, insert) => agrees(text.slice(0, at) + char + text.slice(at + (insert ? 0 : 1))),
    ),
    { numRuns: 5000, seed: 13 },
  );
  t.end();
});

async function* segments(...named: readonly (readonly [string, Buffer])[]): AsyncGenerator<SegmentSource> {
  for (const [name, bytes] of named) for await (const one of oneSegment(bytes, 1 << 20, name)) yield one;
}

t.test('AUDIT-3 segments in order, named by day, none missing', async (t) => {
  const [a, b] = [Buffer.concat(LOG.lines.slice(0, 5)), Buffer.concat(LOG.lines.slice(5))];
  const run = (...named: readonly (readonly [string, Buffer])[]): Promise<VerifyResult> =>
    verifyLog({ segments: segments(...named) });
  t.match(await run([SEGMENT, a], ['2026-11-21.jsonl', b]), { ok: true, records: 12 });
  t.match(await run(['2026-11-21.jsonl', a], [SEGMENT, b]), {
    ok: false,
    firstBad: { file: SEGMENT, problem: /a segment before/ },
  });
  t.match(await run([SEGMENT, b]), { ok: false, firstBad: { line: 1, problem: /seq is 6, not 1/ } });
  t.match(await run(['notes.txt', a]), { ok: false, firstBad: { problem: /not the name/ } });
  t.match(await run(['2026-11-19.jsonl', a]), { ok: false, firstBad: { problem: /later day/ } });
  t.match(await verifyLog({ segments: segments([SEGMENT, b]), from: LOG.heads[5] ?? EMPTY_HEAD }), { ok: true, records: 7 });
});

t.test('heads: another log, an unknown key, before the log, wrong at its start', async (t) => {
  t.match(await check(LOG.lines, { origin: 'airlock/other' }), {
    ok: false,
    firstBad: { file: 'heads', line: 1, problem: /another log/ },
  });
  for (const publicKeys of [[], undefined])
    t.match(await check(LOG.lines, { publicKeys }), { ok: false, firstBad: { problem: /no signature by a known key/ } });
  const rest = { segments: oneSegment(Buffer.concat(LOG.lines.slice(5))), from: LOG.heads[5] };
  const early = signHead(key, ORIGIN, LOG.heads[2] ?? EMPTY_HEAD);
  t.match(await check([], { ...rest, heads: [early] }), { ok: false, firstBad: { problem: /before the log/ } });
  const empty = signHead(key, ORIGIN, { size: 0, hash: 'aa'.repeat(32) });
  t.match(await check(LOG.lines, { heads: [empty] }), { ok: false, firstBad: { file: 'heads', problem: /another history/ } });
});

t.test('checkpoint records inside the log are verified', async (t) => {
  const withCheckpoint = (fields: object): Buffer[] => {
    const chain = new Chain();
    return [{ n: 1 }, { n: 2 }, fields].map((one, i) => {
      const made = encodeRecord(
        { seq: i + 1, ts: TS, prev: chain.hash },
        i === 2 ? 'checkpoint' : 'operation',
        one as Record<string, string>,
      );
      chain.extend(digestText(made));
      return made;
    });
  };
  const [one, two] = withCheckpoint({});
  const chain = new Chain();
  for (const made of [one, two]) chain.extend(digestText(made ?? Buffer.alloc(1)));
  const signed = (origin: string, head: Head): object => ({ note: signHead(key, origin, head) });
  const cases: readonly (readonly [object, object])[] = [
    [signed(ORIGIN, chain.head()), { ok: true, checkpoints: 1 }],
    [signed('airlock/other', { size: 900, hash: 'ab'.repeat(32) }), { ok: true, checkpoints: 0 }],
    [signed(ORIGIN, { size: 2, hash: 'ab'.repeat(32) }), { ok: false, firstBad: { line: 3, problem: /another history/ } }],
    [signed(ORIGIN, { size: 3, hash: 'ab'.repeat(32) }), { ok: false, firstBad: { problem: /out of reach/ } }],
    [{ note: 'x' }, { ok: false, firstBad: { problem: /signed head/ } }],
    [{}, { ok: false, firstBad: { problem: /without a note/ } }],
  ];
  for (const [fields, expected] of cases)
    for (const publicKeys of [[key.publicKey], [], undefined])
      t.match(await check(withCheckpoint(fields), { heads: [], publicKeys }), expected);
  const foreign = parsePrivateKey(generateHeadKey(ORIGIN).privateKey);
  const forged = withCheckpoint({ note: signHead(foreign, ORIGIN, chain.head()) });
  t.match(await check(forged, { heads: [] }), { ok: false, firstBad: { line: 3, problem: /no signature by a known key/ } });
  t.match(await check(forged, { heads: [], publicKeys: undefined }), { ok: true }, 'who has no key can compare the history only');
  t.match(
    await verifyLog({ segments: oneSegment(Buffer.concat(withCheckpoint({}))) }),
    { ok: true },
    'without an origin they are not looked at',
  );
});

t.test('AUDIT-23 a head is signed only if it continues the last', (t) => {
  const digests = LOG.lines.map((one) => lineDigest(one.subarray(0, -1)));
  const at = (size: number): Head => LOG.heads[size] ?? EMPTY_HEAD;
  for (let last = 0; last <= 12; last += 1)
    for (let size = last; size <= 12; size += 1)
      t.same(decideHead(at(last), { ...at(size), digests: digests.slice(last, size) }), at(size));
  const refused = { code: 'AUDIT_UNAVAILABLE' };
  t.throws(() => decideHead(at(5), { ...at(4), digests: [] }), refused);
  t.throws(() => decideHead(at(5), { ...at(7), digests: digests.slice(5, 6) }), refused);
  t.throws(() => decideHead(at(5), { ...at(7), digests: digests.slice(6, 8) }), refused);
  t.throws(() => decideHead(at(5), { ...at(6), digests: [Buffer.alloc(31)] }), refused);
  t.throws(() => decideHead(at(5), { size: 5, hash: at(6).hash, digests: [] }), refused);
  t.throws(() => decideHead(at(5), { size: Number.NaN, hash: '', digests: [] }), refused);
  t.end();
});

t.test('query over lines, the newest only, skipping what is no record', async (t) => {
  const lines = ['garbage', 'null', ...LOG.lines.map(String)];
  const all = [];
  for await (const record of query({ lines })) all.push(record.seq);
  t.equal(all.length, 12);
  const last = [];
  for await (const record of query({ lines, filter: { last: 3 } })) last.push(record.seq);
  t.same(last, [10, 11, 12]);
  for await (const record of query({ lines, filter: { last: 0 } })) t.fail(String(record.seq));
  for await (const record of query({ lines, filter: { untilMs: 0 } })) t.fail(String(record.seq));
});

t.test('each record is told once it is known to be good, and none behind the damage', async (t) => {
  const told: [string, Buffer][] = [];
  const onRecord = (event: string, text: Buffer): number => told.push([event, Buffer.from(text)]);
  const edited = Buffer.from(line(5).toString().replace('"n":', '"m":'));
  t.match(await check(replaced(5, edited), { onRecord }), { ok: false, records: 6, firstBad: { line: 7 } });
  t.same(
    told.map(([event, text]) => `${event} ${text.toString()}\n`),
    [...LOG.lines.slice(0, 5), edited].map((text) => `operation ${text.toString()}`),
  );
});

t.test('a hash that was written down is found where the log starts, too', async (t) => {
  const from = LOG.heads[5] ?? EMPTY_HEAD;
  const rest = { segments: oneSegment(Buffer.concat(LOG.lines.slice(5))), from };
  const hashes = [from.hash, LOG.heads[4]?.hash ?? '', LOG.heads[12]?.hash ?? ''];
  t.same((await verifyLog({ ...rest, hashes })).found, [from, LOG.heads[12]]);
});

t.test('a long log says how far verification has come; hashes that were written down are looked for', async (t) => {
  const seen: [number, number][] = [];
  const hashes = [LOG.heads[5]?.hash ?? '', 'ff'.repeat(32)];
  const result = await check(
    LOG.lines,
    { hashes, onProgress: (bytes: number, records: number) => seen.push([bytes, records]) },
    300,
  );
  t.match(result, { ok: true, found: [{ size: 5, hash: hashes[0] }] });
  t.equal(result.found?.length, 1);
  t.ok(seen.length > 3, `${seen.length} steps`);
  t.same(
    seen,
    [...seen].sort(([a], [b]) => a - b),
    'never back',
  );
  t.equal(seen.at(-1)?.[0], Buffer.concat(LOG.lines).length);
  t.equal((await check(LOG.lines)).found, undefined, 'nobody asked');
});
