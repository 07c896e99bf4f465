import t from 'tap';
import { withDefaults } from '../src/index.js';
import { compileCondition } from '../src/condition.js';

const SCHEMA = {
  type: 'object',
  properties: { folder: { type: 'string', default: 'INBOX' }, limit: { default: 20 }, query: { type: 'string' }, odd: null },
};

t.test('CONDITION-1: what was left out counts as the default of the manifest', (t) => {
  t.same(withDefaults(SCHEMA, {}), { folder: 'INBOX', limit: 20 });
  t.same(withDefaults(SCHEMA, { folder: 'Archive', query: 'x' }), { folder: 'Archive', limit: 20, query: 'x' });
  t.same(withDefaults(SCHEMA, { folder: null }), { folder: null, limit: 20 }, 'what was sent stands, whatever it is');
  const holds = compileCondition('folder = "INBOX"');
  t.equal(holds?.(withDefaults(SCHEMA, {})), true);
  t.equal(holds?.({}), false, 'negative control');
  t.end();
});

t.test('a schema without defaults leaves the arguments as they are', (t) => {
  const params = { text: 'x' };
  for (const schema of [{}, { properties: {} }, { properties: [] }, { properties: { text: { type: 'string' } } }])
    t.equal(withDefaults(schema, params), params);
  t.end();
});
