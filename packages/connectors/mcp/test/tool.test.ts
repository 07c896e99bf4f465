/** UPSTREAM-8, UPSTREAM-10: from definitions to operations; the vector of docs/spec/upstream.md; names; schemas of every draft. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileArguments } from '@airlock/guard/arguments';
import { canonicalWithFractions, sha256Hex, validate, type ConnectorManifest } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import type { Members } from '../src/contract.js';
import { operationsOf } from '../src/listing.js';
import { operationNames } from '../src/names.js';
import { paramsOf } from '../src/schema.js';

const page = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/upstream.md'), 'utf8');
const vector = (kind: string): string => new RegExp(`\`\`\`\\w+ ${kind}\n([\\s\\S]*?)\n\`\`\``).exec(page)?.[1] ?? '';
type Named = Members & { readonly name: string };
const tool = (name: string, more: Members = {}): Named => ({ name, inputSchema: { type: 'object' }, ...more });
const NAME = /^[a-z][a-z0-9_]{0,63}$/;

t.test('the example of the specification', async (t) => {
  const given = JSON.parse(vector('tool')) as Named;
  const [made] = operationsOf([given], false);
  const { mcp, ...operation } = made?.listed.operation ?? ({} as never);
  t.same(operation, JSON.parse(vector('operation')));
  t.same(mcp, given);
  t.equal(made?.listed.hash, vector('hash'));
  t.equal(made?.listed.hash, sha256Hex(canonicalWithFractions(given)));
});

t.test('class, outward and words', async (t) => {
  const one = (more: Members, hasNetwork = true): object =>
    operationsOf([tool('a', more)], hasNetwork)[0]?.listed.operation ?? {};
  t.match(one({ annotations: { readOnlyHint: true } }), { class: 'read', outward: true, untrusted: true });
  for (const hint of ['true', 1, null, {}])
    t.match(one({ annotations: { readOnlyHint: hint } }), { class: 'write' }, JSON.stringify(hint));
  t.match(one({ annotations: { openWorldHint: false } }), { class: 'write', outward: false });
  t.match(one({}, false), { outward: false });
  t.match(one({ description: 'First\u202e line.\nSecond.' }), { summary: 'First\\u{202E} line.', description: /Second/ });
  t.match(one({ title: 'A title' }), { summary: 'A title' });
  t.match(one({}), { summary: 'a' });
  t.equal((one({ description: 'x'.repeat(9999) }) as { summary: string }).summary.length, 200);
});

t.test('names', async (t) => {
  t.same(operationNames(['getIssue', 'HTTPGet', 'get-sum', 'mcp_ping', '9lives', '!!', 'read_file']), [
    ...['get_issue', 'http_get', 'get_sum', 't_mcp_ping', 't_9lives', 't_', 'read_file'],
  ]);
  const [a = '', b = '', c] = operationNames(['get-x', 'get_x', 'other']);
  t.match([a, b, c], [/^get_x_[0-9a-f]{6}$/, /^get_x_[0-9a-f]{6}$/, 'other']);
  t.not(a, b);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.string({ unit: 'binary', maxLength: 90 }), fc.stringMatching(/^[a-z_A-Z-]{0,70}$/)), {
        maxLength: 20,
      }),
      (tools) => {
        const names = operationNames(tools);
        return names.every((name) => NAME.test(name) && !name.startsWith('mcp_')) && new Set(names).size === names.length;
      },
    ),
  );
});

/** Whether a strict compiler takes the schema, and what it then takes. */
const takes = (schema: Members, args: unknown): boolean => compileArguments(paramsOf(schema))(args) === null;

t.test('schemas of older drafts mean what they meant', async (t) => {
  const object = (properties: Members, more: Members = {}): Members => ({ type: 'object', properties, ...more });
  const tuple = object({ p: { type: 'array', items: [{ type: 'number' }, { type: 'string' }], additionalItems: false } });
  t.ok(takes(tuple, { p: [1, 'a'] }));
  t.notOk(takes(tuple, { p: ['a'] }));
  t.notOk(takes(tuple, { p: [1, 'a', 2] }));
  const exclusive = object({ n: { type: 'number', minimum: 0, exclusiveMinimum: true } });
  t.ok(takes(exclusive, { n: 0.5 }));
  t.notOk(takes(exclusive, { n: 0 }));
  const dependent = object({ a: {}, b: {} }, { dependencies: { a: ['b'] } });
  t.ok(takes(dependent, { a: 1, b: 1 }));
  t.notOk(takes(dependent, { a: 1 }));
  t.ok(takes(object({ x: { type: 'string', nullable: true } }), { x: null }));
  t.ok(takes(object({ x: { type: 'string', required: true, 'x-mcp-header': 'X', markdownDescription: 'm' } }), { x: 'a' }));
  t.ok(
    takes(
      {
        $schema: 'http://json-schema.org/draft-07/schema#',
        $id: 'urn:x',
        definitions: { d: { type: 'string' } },
        ...object({ x: { $ref: '#/definitions/d' } }),
      },
      { x: 'a' },
    ),
  );
  t.ok(takes({ type: 'object' }, { any: 'thing' }), 'an object that names nothing takes anything');
  t.notOk(takes(object({}), { any: 'thing' }), 'GUARD-4 one that names members takes no others');
  t.ok(
    takes(object({ properties: { type: 'string' }, type: { type: 'string' }, weird: {} }), {
      properties: 'a',
      type: 'b',
      weird: 1,
    }),
    'members may be called like keywords',
  );
});

t.test('any definition makes an operation that a frame can carry, and never throws', async () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.string({ unit: 'binary', minLength: 1 }), (schema, name) => {
      const [made] = operationsOf(
        [{ name, inputSchema: schema as never, description: schema as never, annotations: schema as never }],
        true,
      );
      return made !== undefined && validate('listedOperations', [JSON.parse(JSON.stringify(made.listed))]) === null;
    }),
    { numRuns: 500 },
  );
});

t.test('the manifests', async (t) => {
  for (const kind of ['mcp', 'mcp-url']) {
    const manifest = JSON.parse(
      readFileSync(join(import.meta.dirname, `../../manifests/${kind}.json`), 'utf8'),
    ) as ConnectorManifest;
    t.equal(validate('connectorManifest', manifest), null, kind);
    for (const { params } of manifest.operations) t.doesNotThrow(() => compileArguments(params));
  }
});
