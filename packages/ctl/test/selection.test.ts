/** EXPORT-2, EXPORT-7: which lines an export takes, and that they lead to the head or nothing leaves. */
import { Chain, generateHeadKey, lineDigest, parsePrivateKey, signHead } from '@airlock/audit';
import t from 'tap';
import { takeExcerpt } from '../src/audit/excerpt.js';
import { isTaken, learn, newKin, type Wanted } from '../src/audit/selection.js';
import { tarOf } from '../src/audit/tar.js';

const LINES = [
  { event: 'access_requested', session: 's-a', role: 'a' },
  { event: 'request_opened', session: 's-a', request: 'r-1' },
  { event: 'request_fronted', request: 'r-1' },
  { event: 'access_requested', session: 's-b', role: 'b' },
  { event: 'lease_issued', session: 's-a', request: 'r-1', lease: 'l-1' },
  { event: 'totp_verified', request: 'r-1' },
  { event: 'key_released', lease: 'l-1' },
  { event: 'key_released', lease: 'l-2' },
  { event: 'operation', session: 's-b', lease: 'l-1' },
  { event: 'locked' },
] as const;

const chained = (): { lines: string[]; chain: Chain } => {
  const chain = new Chain();
  const lines = LINES.map((fields, at) => {
    const { event, ...rest } = fields;
    const ts = `2026-11-20T12:00:0${at}.000Z`;
    const line = JSON.stringify({ seq: at + 1, ts, event, ...rest, prev: chain.hash });
    chain.extend(lineDigest(Buffer.from(line)).toString('latin1'));
    return line;
  });
  return { lines, chain };
};
const { lines, chain } = chained();
const key = parsePrivateKey(generateHeadKey('airlock-gateway').privateKey);

const taken = (wanted: Wanted): number[] => {
  const kin = newKin(wanted);
  for (const line of lines) learn(kin, wanted, line);
  return lines.flatMap((line, at) => (isTaken(kin, wanted, line) ? [at + 1] : []));
};

t.test('EXPORT-2: by what a line names', async (t) => {
  t.same(taken({ session: 's-a' }), [1, 2, 3, 5, 6, 7], 'not the line of another session that names the same lease');
  t.same(taken({ session: 's-b' }), [4, 7, 9]);
  t.same(taken({ lease: 'l-1' }), [2, 3, 5, 6, 7, 9]);
  t.same(taken({ lease: 'l-2' }), [8]);
  const [sinceMs, untilMs] = [Date.parse('2026-11-20T12:00:04Z'), Date.parse('2026-11-20T12:00:06Z')];
  t.same(taken({ sinceMs, untilMs }), [5, 6, 7]);
  t.same(taken({ session: 's-a', untilMs }), [1, 2, 3, 5, 6, 7]);
  t.same(taken({ session: 'none' }), []);
});

async function* bytes(of: readonly string[] = lines): AsyncGenerator<Buffer> {
  for (const line of of) yield Buffer.from(line);
}

t.test('EXPORT-7: up to the head, or not at all', async (t) => {
  const head = signHead(key, 'airlock-gateway', chain.head());
  const found = await takeExcerpt('airlock-gateway', head, bytes(), (line) => line.includes('"s-b"'));
  t.match(found, { start: { size: 3 }, taken: 2, leftOut: 5, note: head });
  t.equal(found?.chain.split('\n').length, 8);
  t.equal(found?.lines, `${lines[3] ?? ''}\n${lines[8] ?? ''}\n`);
  t.equal(await takeExcerpt('airlock-gateway', head, bytes(), () => false), null);
  const changed = lines.with(6, (lines[6] ?? '').replace('l-1', 'l-9'));
  await t.rejects(
    takeExcerpt('airlock-gateway', head, bytes(changed), (line) => line.includes('"s-b"')),
    {
      code: 'AUDIT_UNAVAILABLE',
    },
  );
  await t.rejects(
    takeExcerpt('airlock-gateway', head, bytes(lines.slice(0, 8)), () => true),
    { code: 'AUDIT_UNAVAILABLE' },
  );
});

t.test('a tar of the same files is the same bytes', async (t) => {
  const files = [{ name: 'a/b', bytes: Buffer.from('hello') }];
  t.same(tarOf('x', files, 7), tarOf('x', files, 7));
  t.equal(tarOf('x', files, 7).length, 4 * 512);
});
