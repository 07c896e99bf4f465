import t from 'tap';
import { canonicalConstraints, mergeConstraints } from '../src/index.js';
import { codeOf } from './sample.js';

t.test('what people write becomes one form', async (t) => {
  t.same(
    canonicalConstraints({
      folders: ['B', 'a', 'B'],
      domains: ['Example.ORG'],
      senders: ['Ada@Example.org'],
      since: '2026-02-28',
      maxResults: 5,
    }),
    {
      folders: ['B', 'a'],
      domains: ['example.org'],
      senders: ['ada@example.org'],
      since: '2026-02-28',
      maxResults: 5,
    },
  );
  t.same(canonicalConstraints({}), {});
});

t.test('LEASE-8 unknown keys and malformed values are refused', async (t) => {
  const bad: unknown[] = [
    null,
    [],
    'x',
    { colour: 1 },
    JSON.parse('{"__proto__": {"folders": []}}'),
    { toString: 1 },
    { folders: 'a' },
    { folders: [''] },
    { folders: [1] },
    { folders: ['a\r\nb'] },
    { folders: ['\ud800'] },
    { folders: ['x'.repeat(257)] },
    { folders: Array.from({ length: 65 }, String) },
    { since: '2026-02-30' },
    { since: '2026-2-3' },
    { before: '0000-00-00' },
    { before: 20260101 },
    { maxResults: 0 },
    { maxResults: 1.5 },
    { maxResults: '5' },
  ];
  for (const value of bad)
    t.equal(
      codeOf(() => canonicalConstraints(value)),
      'PARAMS_INVALID',
      JSON.stringify(value),
    );
});

t.test('LEASE-7 merging keeps what both allow', async (t) => {
  const a = { folders: ['a', 'b'], since: '2026-01-01', before: '2026-06-01', maxResults: 10 };
  const b = { folders: ['b', 'c'], domains: ['d'], since: '2026-02-01', before: '2026-07-01', maxResults: 20 };
  const both = { folders: ['b'], domains: ['d'], since: '2026-02-01', before: '2026-06-01', maxResults: 10 };
  t.same(mergeConstraints(a, b), both);
  t.same(mergeConstraints(b, a), both);
  t.same(mergeConstraints({ folders: ['a'] }, { folders: ['b'] }), { folders: [] }, 'an empty list allows nothing');
  t.same(mergeConstraints({}, {}), {});
});
