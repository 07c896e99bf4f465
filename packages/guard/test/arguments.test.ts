/** CELL-3: strict arguments; GUARD-1 to GUARD-4: what a schema may be. */
import t from 'tap';
import { compileArguments } from '../src/arguments.js';

const search = {
  type: 'object',
  properties: {
    text: { type: 'string', maxLength: 10, pattern: '^[a-z ]+$' },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    where: { type: 'object', properties: { from: { type: 'string' } } },
    flags: { type: 'array', maxItems: 2, items: { type: 'object', properties: { name: { enum: ['seen', 'new'] } } } },
  },
  required: ['text'],
};

t.test('CELL-3 each refusal names field, expected, found and what to do', async (test) => {
  const check = compileArguments(search);
  test.equal(check({ text: 'abc', limit: 5, where: { from: 'x' }, flags: [{ name: 'seen' }] }), null);
  const cases: readonly (readonly [unknown, string, RegExp, RegExp])[] = [
    [{}, 'params.text', /a value/, /nothing/],
    [{ text: 'abc', colour: 1 }, 'params.colour', /no such field; allowed: text, limit, where, flags/, /unknown field/],
    [{ text: 'abc', where: { to: 1 } }, 'params.where.to', /allowed: from/, /unknown field/],
    [{ text: 'abc', flags: [{ name: 'seen', x: 1 }] }, 'params.flags.0.x', /allowed: name/, /unknown field/],
    [{ text: 'abc', flags: [{ name: 'old' }] }, 'params.flags.0.name', /one of seen, new/, /old/],
    [{ text: 'abc', limit: 0 }, 'params.limit', /at least 1/, /0/],
    [{ text: 'ABC' }, 'params.text', /matches/, /ABC/],
    [[], 'params', /object/, /array/],
    [null, 'params', /object/, /null/],
  ];
  for (const [params, field, expected, found] of cases) {
    test.match(
      check(params),
      { code: 'PARAMS_INVALID', data: { field, expected, found, hint: /set |leave out / } },
      JSON.stringify(params),
    );
  }
});

t.test('CELL-3 nothing is coerced, filled in or taken away', async (test) => {
  const check = compileArguments(search);
  for (const limit of ['5', true, 5.5, null, [5]]) test.match(check({ text: 'a', limit }), { data: { field: 'params.limit' } });
  const params = { text: 'a' };
  check(params);
  test.same(params, { text: 'a' }, 'no default was written into it');
});

t.test('GUARD-4 a schema that names members is closed, however it is composed', async (test) => {
  const composed = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    allOf: [{ $ref: '#/$defs/page' }, { properties: { q: { type: 'string' } } }],
    $defs: {
      page: { type: 'object', properties: { cursor: { type: 'string' }, inner: { $ref: '#/$defs/leaf' } } },
      leaf: { properties: { a: {} } },
    },
  };
  const check = compileArguments(composed);
  test.equal(check({ cursor: 'c', q: 'x', inner: { a: 1 } }), null);
  test.ok(check({ cursor: 'c', q: 'x', ghost: 1 }));
  test.ok(check({ inner: { b: 1 } }));
  const choice = compileArguments({
    properties: { x: { anyOf: [{ type: 'null' }, { type: 'object', properties: { a: {} } }] } },
  });
  test.equal(choice({ x: { a: 1 } }), null);
  test.ok(choice({ x: { a: 1, b: 1 } }));
});

t.test('GUARD-4 no members means none; what the schema opens stays open', async (test) => {
  test.ok(compileArguments({})({ a: 1 }));
  test.ok(compileArguments({ type: 'object' })({ a: 1 }));
  test.equal(compileArguments({ type: 'object', additionalProperties: true })({ a: 1 }), null);
  const map = compileArguments({ properties: { headers: { type: 'object' } } });
  test.equal(map({ headers: { any: 'thing' } }), null);
});

t.test('a recursive schema ends where the data ends', async (test) => {
  const tree = { properties: { left: { $ref: '#' }, v: { type: 'integer' } } };
  const check = compileArguments(tree);
  test.equal(check({ left: { left: { v: 1 } } }), null);
  test.ok(check({ left: { left: { w: 1 } } }));
});

t.test('GUARD-1 GUARD-3 schemas that are not acceptable', async (test) => {
  const deep = (levels: number): object =>
    levels === 0 ? { type: 'string' } : { type: 'object', properties: { a: deep(levels - 1) } };
  const nested = JSON.parse('{"not":'.repeat(5000) + '{}' + '}'.repeat(5000)) as object;
  const bad: readonly (readonly [string, object])[] = [
    ['depth', deep(40)],
    ['depth of 5,000', nested],
    ['size', { properties: Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`field${n}`, { type: 'string' }])) }],
    ['long pattern', { properties: { a: { pattern: 'a'.repeat(300) } } }],
    ['exponential pattern', { properties: { a: { pattern: '^(a+)+$' } } }],
    ['exponential pattern of names', { patternProperties: { '^(a|a)*$': {} } }],
    ['pattern that is none', { properties: { a: { pattern: '(' } } }],
    ['reference to elsewhere', { properties: { a: { $ref: 'https://evil.example/s.json' } } }],
    ['reference to a file', { $ref: 'file:///etc/passwd' }],
    ['dangling reference', { $ref: '#/$defs/none' }],
    ['asynchronous', { $async: true, type: 'object' }],
    ['unknown keyword', { properties: { a: { maxLenght: 3 } } }],
    ['keyword of the wrong type', { properties: { a: { minimum: '3' } } }],
    ['$data', { properties: { a: { type: 'integer', maximum: { $data: '1/b' } }, b: {} } }],
  ];
  for (const [what, schema] of bad)
    test.throws(() => compileArguments(schema as Record<string, unknown>), { code: 'CONFIG_INVALID' }, what);
  test.doesNotThrow(() => compileArguments(deep(20) as Record<string, unknown>), 'negative control');
});
