import t from 'tap';
import type { AirlockError } from '../src/errors.js';
import { SCHEMAS } from '../src/schemas.js';
import { validate, validatorOf } from '../src/validate.js';

const detailOf = (refusal: AirlockError | null): Record<string, unknown> => {
  const { field, expected, found, hint } = refusal?.data ?? {};
  return { code: refusal?.code, field, expected, found, hint };
};

const HELLO = { client: 'test', protocol: 1 };

t.test('parameters as the schema wants them are null', async (t) => {
  t.equal(validate('agent.hello', HELLO), null);
  t.equal(validate('agent.hello', { ...HELLO, resume: 'abcd' }), null);
});

t.test('a missing field is named', async (t) => {
  t.same(detailOf(validate('agent.hello', { protocol: 1 })), {
    code: 'PARAMS_INVALID',
    field: 'params.client',
    expected: 'a value',
    found: 'nothing',
    hint: 'set params.client to a value; it is required',
  });
});

t.test('an unknown field is named beside those that are allowed', async (t) => {
  t.same(detailOf(validate('agent.hello', { ...HELLO, clientName: 1 })), {
    code: 'PARAMS_INVALID',
    field: 'params.clientName',
    expected: 'no such field; allowed: client, protocol, resume',
    found: 'an unknown field',
    hint: 'leave out params.clientName',
  });
});

t.test('a wrong type is never coerced', async (t) => {
  const refusal = validate('agent.hello', { client: 'x', protocol: '1' });
  t.match(detailOf(refusal), { field: 'params.protocol', expected: 'integer', found: 'string "1"' });
  t.match(detailOf(validate('agent.hello', { client: 5, protocol: 1 })), { expected: 'string', found: 'number 5' });
  t.match(detailOf(validate('agent.hello', { client: null, protocol: 1 })), { found: 'null' });
  t.match(detailOf(validate('agent.hello', { client: [], protocol: 1 })), { found: 'array' });
  t.match(detailOf(validate('agent.hello', { client: { a: 1 }, protocol: 1 })), { found: 'object' });
  t.match(detailOf(validate('agent.hello', { client: true, protocol: 1 })), { found: 'true' });
  t.match(detailOf(validate('agent.hello', 7)), { field: 'params', expected: 'object', found: 'number 7' });
});

t.test('a place inside an array is named', async (t) => {
  const params = { scopes: ['mail:read', 5], reason: 'x' };
  t.match(detailOf(validate('agent.access.request', params)), { field: 'params.scopes.1', expected: 'string' });
});

t.test('ERR-4: a long value is cut, a code is not echoed', async (t) => {
  const long = validate('agent.hello', { client: 'y'.repeat(5000), protocol: 1 });
  t.ok((long?.message.length ?? 999) < 250, 'cut');
  const code = validate('agent.hello', { client: 'x', protocol: 'code 123456' });
  t.notMatch(JSON.stringify([code?.message, code?.data]), '123456');
  t.notMatch(JSON.stringify(validate('agent.hello', { client: 'x', protocol: 12345678 })?.data), '12345678');
  t.notMatch(JSON.stringify(validate('agent.hello', { ...HELLO, '654321': 1 })?.data), '654321');
});

t.test('keys every object inherits are unknown fields like any other', async (t) => {
  for (const key of ['constructor', 'toString', 'hasOwnProperty']) {
    t.match(detailOf(validate('agent.hello', { ...HELLO, [key]: 1 })), { field: `params.${key}`, found: 'an unknown field' });
  }
  t.equal(validate('agent.hello', JSON.parse('{"client":"x","protocol":1,"__proto__":1}'))?.code, 'PARAMS_INVALID');
});

t.test('a number that is none is refused', async (t) => {
  for (const protocol of [NaN, Infinity, 1.5])
    t.equal(validate('agent.hello', { client: 'x', protocol })?.code, 'PARAMS_INVALID');
});

t.test('every schema has its validator, and only they', async (t) => {
  for (const name of Object.keys(SCHEMAS)) t.doesNotThrow(() => validatorOf(name), name);
  for (const name of ['no.such', 'constructor', '__proto__', '']) t.throws(() => validatorOf(name), /no schema/, name);
});

t.test('every refusal of a value of the wrong type names field, expectation and finding', async (t) => {
  for (const name of Object.keys(SCHEMAS)) {
    const detail = detailOf(validate(name, 'text'));
    if (detail['code'] === undefined) continue;
    for (const key of ['field', 'expected', 'found', 'hint']) t.ok(detail[key], `${name}: ${key}`);
  }
});
