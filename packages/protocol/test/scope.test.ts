import t from 'tap';
import { AirlockError, canonicalScopes, formatScope, parseScope, scopeCovers } from '../src/index.js';

const isRefused = (text: string): boolean => {
  try {
    parseScope(text);
    return false;
  } catch (thrown) {
    return thrown instanceof AirlockError && thrown.code === 'PARAMS_INVALID' && thrown.data.field === 'params.scopes';
  }
};

t.test('a scope without a class means read', async (t) => {
  t.same(parseScope('gmail'), { service: 'gmail', class: 'read', operation: null });
  t.same(parseScope('gmail:write:send'), { service: 'gmail', class: 'write', operation: 'send' });
  t.equal(formatScope(parseScope('gmail')), 'gmail:read');
  t.equal(formatScope(parseScope('a:use:b_2')), 'a:use:b_2');
});

t.test('there is no wildcard, and nothing that is not the grammar', async (t) => {
  const bad = [
    '',
    '*',
    '*:read',
    'gmail:*',
    'gmail:read:*',
    'gmail:admin',
    'gmail:',
    'gmail::list',
    'gmail:read:',
    'gmail:read:list:x',
  ];
  const names = [
    'Gmail',
    '-gmail',
    'g mail',
    'gmail\n',
    'gmail:read:List',
    'gmail:read:2x',
    'x'.repeat(33),
    `gmail:read:${'x'.repeat(65)}`,
    '__proto__',
  ];
  for (const text of [...bad, ...names]) t.ok(isRefused(text), JSON.stringify(text));
});

t.test('a scope covers its operations and no other class', async (t) => {
  const covers = (wider: string, narrower: string): boolean => scopeCovers(parseScope(wider), parseScope(narrower));
  t.ok(covers('gmail', 'gmail:read:list'));
  t.ok(covers('gmail:read:list', 'gmail:read:list'));
  t.notOk(covers('gmail:read:list', 'gmail'));
  t.notOk(covers('gmail:write', 'gmail:read'));
  t.notOk(covers('gmail:read', 'gmail:use'));
  t.notOk(covers('gmail', 'gmail2'));
});

t.test('lists are sorted, each scope once', async (t) => {
  t.same(canonicalScopes(['gmail', 'a:use', 'gmail:read']), ['a:use', 'gmail:read']);
});
