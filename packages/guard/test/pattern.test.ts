/** GUARD-2: which regular expressions may take for ever. */
import t from 'tap';
import { isExponential } from '../src/pattern.js';

t.test('GUARD-2 repeated groups that repeat or choose inside are refused', async (test) => {
  for (const pattern of [
    '^(a+)+$',
    '(a*)*',
    '(?:a|a)*',
    '((a+)b?)+',
    '([a-z]+)*x',
    '(a{2,})+',
    '(?:(?:a+))+',
    '(a{1,500}){1,500}',
    '(\\d+)*',
    '([)]+)*',
  ])
    test.ok(isExponential(pattern), pattern);
});

t.test('GUARD-2 what is usual passes', async (test) => {
  const usual = [
    '^[a-z]+$',
    '^(|[0-9a-f]{64})$',
    '^(?:[0-9]{1,3}\\.){3}[0-9]{1,3}$',
    '(a|b)?',
    '(foo|bar)',
    '^[^\\u0000-\\u0020]+$',
    '\\(a+\\)+',
    '[(+]+',
    '(?<y>[0-9]{4})-x*',
  ];
  for (const pattern of usual) test.notOk(isExponential(pattern), pattern);
});
