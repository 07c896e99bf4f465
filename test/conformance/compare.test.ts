// The harness of the conformance suite sees what is wrong.
import t from 'tap';
import { differences, judge } from './compare.js';
import { REVISIONS, requiredScenarios, scoresOf } from './suite.js';

const OUTPUT = '=== SUMMARY ===\n✓ ping: 2 passed, 0 failed\n✗ tools-list: 2 passed, 1 failed\n✓ caching: 0 passed, 0 failed\n';

t.test('the summary of the suite is read, and what failed, was not run or checked nothing is a problem', async (t) => {
  const scores = scoresOf(OUTPUT);
  t.same([...scores.keys()], ['ping', 'tools-list', 'caching']);
  const { passed, required, problems } = judge(['ping', 'tools-list', 'caching', 'prompts-list'], scores);
  t.same([passed, required], [1, 4]);
  t.same(problems, ['tools-list: 2 passed, 1 failed', 'caching: 0 passed, 0 failed', 'prompts-list: not run']);
});

t.test('a way that scores otherwise is told apart, either way', async (t) => {
  const direct = scoresOf(OUTPUT);
  t.same(differences(direct, direct), []);
  const better = scoresOf(OUTPUT.replace('2 passed, 1 failed', '3 passed, 0 failed'));
  t.equal(differences(direct, better).length, 1, 'better is a difference too');
  t.same(differences(direct, better, ['tools-list']), []);
  t.equal(differences(direct, scoresOf('')).length, 3);
});

t.test('the requirement sets are those of the suite', async (t) => {
  const [older, newer] = REVISIONS.map(requiredScenarios);
  t.equal(older?.length, 30);
  t.equal(newer?.length, 37);
  t.ok(newer?.includes('server-stateless'));
  t.notOk(
    older?.some((name) => name.startsWith('auth/')),
    'client scenarios are none of a server',
  );
});
