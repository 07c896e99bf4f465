/** Declarations, what is made of them, and the example of docs/spec/http.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { Json, Params } from '@airlock/protocol';
import { countOf, take } from '../src/answer.js';
import { readDeclarations, type Declaration } from '../src/declaration.js';
import { fillRequest } from '../src/fill.js';
import { declared, manifestOf, refusal } from './context.js';

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/http.md'), 'utf8');
const block = (name: string): string => new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(spec)?.[1] ?? '';
const ORIGIN = 'https://api.example.org:443';

const read = (request: Readonly<Record<string, Json>>, more = {}): Declaration => {
  const declaration = readDeclarations(declared({ answer: '', ...request }, more)).get('ask');
  if (declaration === undefined) throw new Error('no declaration');
  return declaration;
};
const fill = (request: Readonly<Record<string, Json>>, params: Params, credential = {}): ReturnType<typeof fillRequest> =>
  fillRequest(read(request), params, credential, ORIGIN);

t.test('the example of the specification', async (t) => {
  const declaration = read(JSON.parse(block('json declaration')) as Record<string, Json>);
  const params = { latitude: 52.52, longitude: 13.405, hours: 1 };
  const { method, url, headers } = fillRequest(declaration, params, {}, ORIGIN);
  const { pathname, search } = new URL(url);
  const lines = [`${method} ${pathname}${search}`, ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`)];
  t.same(lines, block('text').trim().split('\n'));
  const json = JSON.parse(block('json answer')) as Json;
  t.same(take(declaration.answer, { json, url, params }), JSON.parse(block('json result')));
});

t.test('HTTP-1: what is declared is read strictly', async (t) => {
  const wrong: readonly Readonly<Record<string, Json>>[] = [
    {},
    { path: '/a', url: '{url}' },
    { path: 'a' },
    { path: '//evil.example/a' },
    { path: '/a?b=c' },
    { path: '/a\\b' },
    { url: 'https://{host}/' },
    { path: '/a', method: 'DELETE' },
    { path: '/a', verb: 'GET' },
    { path: '/a', headers: { a: 1 } },
    { path: '/a', answer: 'a' },
    { path: '/a', answer: { 'a b': '' } },
    { path: '/a', answer: { $sum: '/a' } },
    { path: '/a', answer: { $each: '/a', take: '', more: 1 } },
    { path: '/a', answer: { $url: false } },
    { path: '/a', credential: { as: 'bearer', field: 'word' } },
    { path: '/a', credential: { as: 'cookie', field: 'token', name: 'a' } },
    { path: '/a', credential: { as: 'header', field: 'token' } },
  ];
  for (const request of wrong)
    t.match(
      await refusal(() => readDeclarations(declared({ answer: '', ...request }))),
      { code: 'CONFIG_INVALID' },
      JSON.stringify(request),
    );
  const nested = JSON.parse('{"a":'.repeat(12) + '""' + '}'.repeat(12)) as Json;
  t.match(await refusal(() => read({ path: '/a', answer: nested })), { code: 'CONFIG_INVALID' });
  t.match(await refusal(() => read({ path: '/a', method: 'POST' }, { outward: false })), { code: 'CONFIG_INVALID' });
  for (const kind of ['http-json', 'open-meteo']) t.equal(readDeclarations(manifestOf(kind)).size, 1, kind);
});

t.test('HTTP-2: a parameter does not leave its place', async (t) => {
  const request = {
    path: '/v1/{name}/end',
    query: { q: '{name}', fixed: 7 },
    headers: { 'x-name': '{name}' },
    method: 'POST',
    body: { a: '{name}' },
  };
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (name) => {
      if (/^\.{1,2}$/.test(name) || !name.isWellFormed()) return true;
      const { url, body } = fill(request, { name });
      const { origin, pathname, searchParams, hash } = new URL(url);
      const segments = pathname.split('/');
      return (
        origin === 'https://api.example.org' &&
        segments.length === 4 &&
        decodeURIComponent(segments[2] ?? '') === name &&
        [...searchParams].length === 2 &&
        searchParams.get('q') === name &&
        hash === '' &&
        (JSON.parse(body ?? '') as { a: string }).a === name
      );
    }),
    { numRuns: 1000 },
  );
  for (const name of ['', '.', '..'])
    t.match(await refusal(() => fill(request, { name })), { code: 'PARAMS_INVALID', field: 'params.name' }, name);
  t.match(await refusal(() => fill(request, {})), { code: 'PARAMS_INVALID' }, 'a path needs its parameters');
  t.match(await refusal(() => fill({ path: '/a', query: { q: '{x}' } }, { x: { deep: 1 } })), { code: 'PARAMS_INVALID' });
  const { url, headers } = fill(
    { path: '/a', query: { q: '{x}', r: '{list}', s: 'a {y}' }, headers: { 'x-a': '{x}' } },
    { list: [1, 'b'] },
  );
  t.equal(url, `https://api.example.org/a?r=1%2Cb`, 'what is not there is left out');
  t.same(headers, { accept: 'application/json' });
  t.same(
    JSON.parse(
      fill({ path: '/a', method: 'POST', body: { a: '{n}', b: ['x {n}', '{gone}'], c: '{gone}', d: true } }, { n: 2 }).body ?? '',
    ),
    {
      a: 2,
      b: ['x 2', null],
      d: true,
    },
  );
});

t.test('HTTP-3: the credential comes last and from nowhere else', async (t) => {
  const credential = { token: 's3cret' };
  const header = fill(
    { path: '/a', headers: { authorization: '{a}' }, credential: { as: 'bearer', field: 'token' } },
    { a: 'mine' },
    credential,
  );
  t.match(header, { secret: true, headers: { authorization: 'Bearer s3cret' } });
  const own = fill(
    { path: '/a', headers: { 'X-Key': '{a}' }, credential: { as: 'header', name: 'X-KEY', field: 'token' } },
    { a: 'mine' },
    credential,
  );
  t.same(own.headers, { accept: 'application/json', 'x-key': 's3cret' });
  const query = fill(
    { path: '/a', query: { key: '{a}' }, credential: { as: 'query', name: 'key', field: 'token' } },
    { a: 'mine' },
    credential,
  );
  t.equal(new URL(query.url).search, '?key=s3cret');
  const url = fill(
    { url: '{url}', credential: { as: 'query', name: 'key', field: 'token' } },
    { url: `${ORIGIN}/a?key=mine&key=2` },
    credential,
  );
  t.equal(new URL(url.url).search, '?key=s3cret');
  t.notOk(
    fill({ path: '/a', credential: { as: 'bearer', field: 'token' } }, { token: 'mine' }).secret,
    'an optional one that was left empty',
  );
});

t.test('HTTP-5: only own members, bounded lists, null for what is not there', async (t) => {
  const json = JSON.parse(
    '{"a":{"b/c":[1,{"d":2}],"m~n":null},"list":[{"x":1},{"x":2},{}],"times":[0,"2026-01-02T03:04","x"],"one":[1]}',
  ) as Json;
  const source = { json, url: 'https://x/', params: { limit: 2 } };
  const taken = (answer: Json): Json => take(read({ path: '/a', answer }).answer, source);
  t.same(taken({ a: '/a/b~1c/1/d', b: '/a/m~0n', c: '/constructor', d: '/a/b~1c/length', e: '/a/b~1c/-1', u: { $url: true } }), {
    ...{ a: 2, b: null, c: null, d: null, e: null },
    u: 'https://x/',
  });
  t.same(taken({ $each: '/list', take: { x: '/x' }, limit: '{limit}' }), [{ x: 1 }, { x: 2 }]);
  t.same(taken({ $each: '/list', take: '/x', limit: 9 }), [1, 2, null]);
  t.same(taken({ $zip: { time: { $utc: '/times' }, one: '/one', no: '/no' } }), [
    { time: '1970-01-01T00:00:00Z', one: 1, no: null },
    { time: '2026-01-02T03:04:00Z', one: null, no: null },
    { time: null, one: null, no: null },
  ]);
  for (const answer of [{ $each: '/a', take: '' }, { $zip: { a: '/no' } }, { $each: '/no', take: '' }])
    t.match(await refusal(() => taken(answer)), { code: 'UPSTREAM_REFUSED', found: 'unexpected_answer' });
  t.same([countOf([1, 2]), countOf({ a: 1, b: [1, 2, 3] }), countOf(null), countOf({})], [2, 3, 1, 1]);
});
