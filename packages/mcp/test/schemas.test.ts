/** Every answer of every tool holds to its output schema, refusals too, at both revisions. MCP-10. */
import { GMAIL, NOTES } from '@airlock/client/test/fake-gateway';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import t from 'tap';
import { loosen, outputSchema } from '../src/output.js';
import { open } from './stdio.js';

const ajv = new Ajv2020({ strict: false });
const ASK = { scopes: ['gmail:read'], reason: 'find the invoice' };

for (const revision of [undefined, '2026-07-28'] as const) {
  t.test(`MCP-10 answers and refusals hold to the schemas: ${revision ?? '2025-11-25'}`, async (test) => {
    const rig = await open(test, { services: [GMAIL, NOTES], ...(revision === undefined ? {} : { revision }) });
    const { tools } = await rig.client.listTools();
    test.equal(rig.client.getProtocolEra(), revision === undefined ? 'legacy' : 'modern');
    const checked = async (name: string, args: Record<string, unknown> = {}) => {
      const definition = tools.find((one) => one.name === name);
      const validate = ajv.compile((definition?.outputSchema ?? false) as AnySchema);
      const answer = await rig.tool(name, args);
      test.ok(validate(answer.structured), `${name} ${JSON.stringify(args)}: ${ajv.errorsText(validate.errors)}`);
      return answer;
    };
    for (const { name, title, outputSchema: schema, annotations } of tools) {
      test.ok(title, `${name} has a title`);
      test.match(annotations, { readOnlyHint: Boolean, destructiveHint: Boolean, openWorldHint: Boolean }, name);
      test.match(schema, { type: 'object' }, `${name} has an object as its output`);
      test.ok((await checked(name, { no_such_field: 1 })).isError || name.startsWith('airlock_'), name);
    }
    await checked('airlock_count_unread');
    const asked = await checked('airlock_request_access', ASK);
    await checked('airlock_wait', { request: asked.structured['request'] });
    await checked('airlock_wait', { request: 'r-none' });
    await checked('airlock_count_unread');
    await checked('airlock_get_email', { id: 'm1' });
    await checked('airlock_notes_add_note');
    await checked('airlock_status');
    for (const name of ['list_services', 'activate_skill']) await checked(name);
    await checked('search_tools', { query: 'mail' });
    await checked('describe_tools', { names: ['gmail.search', 'notes.add_note'] });
    await checked('execute_tool', { service: 'gmail', operation: 'count_unread' });
    await checked('airlock_narrow_lease', { calls: 5 });
    await checked('airlock_result', { request: 'r-none' });
    await checked('airlock_release');
  });
}

t.test('MCP-10 a schema is loosened by what masking and cutting can change, and by no more', async (test) => {
  const loose = ajv.compile(
    loosen({
      type: 'object',
      additionalProperties: false,
      required: ['id', 'state', 'items'],
      properties: {
        id: { type: 'integer', minimum: 1 },
        state: { type: ['string', 'null'], enum: ['open', 'done', null] },
        when: { type: 'string', pattern: '^[0-9]{4}', maxLength: 4 },
        items: { type: 'array', items: { oneOf: [{ type: 'string', minLength: 3 }, { type: 'number' }] } },
      },
    }),
  );
  test.ok(loose({ id: '[masked card …1111]', state: '[masked]', when: '[cut]', items: ['a', 1], extra: 1 }));
  test.notOk(loose({ id: 1, state: 'open' }), 'negative control: what is required is');
  test.notOk(loose({ id: true, state: 'open', items: [] }), 'negative control: types are');
  test.same(loosen({ type: 'object', properties: { a: { $ref: '#/$defs/a' } } }), { type: 'object', properties: { a: {} } });
  const either = ajv.compile(outputSchema({ a: { type: 'string' } }, ['a']) as AnySchema);
  test.ok(either({ a: 'x' }));
  test.ok(either({ error: { code: 'INTERNAL', message: 'm', hint: 'h', retry: 'never' } }));
  test.notOk(either({}), 'negative control: neither is an answer');
  test.notOk(either({ error: { code: 'INTERNAL' } }));
});
