// npm run conformance [-- WAY …]: the official suite against the fixture directly and through Airlock, in both revisions.
import { orEnd } from '../fire/command.js';
import { namesOf } from '../fire/flags.js';
import { differences, judge } from './compare.js';
import { REVISIONS, VERSIONS, requiredScenarios, runSuite, type Revision, type Scores } from './suite.js';
import { WAYS, type Way } from './ways.js';

let passed = 0;
let failed = 0;

const report = (heading: string, problems: readonly string[]): void => {
  if (problems.length === 0) passed += 1;
  else failed += 1;
  process.stdout.write(`${problems.length === 0 ? 'ok' : 'not ok'} ${heading}\n`);
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
};

const reportControl = (way: Way, scores: Scores): void => {
  const { problems } = judge(['tools-call-simple-text'], scores);
  report(`${way.name}: a server with a wrong answer fails`, problems.length > 0 ? [] : ['it passed: the harness sees nothing']);
};

const reportScores = (way: Way, revision: Revision, scores: Scores, direct: Scores): void => {
  const verdict = judge(requiredScenarios(revision), scores);
  const known = way.known?.[revision] ?? [];
  const failing = way.failing?.[revision] ?? [];
  const problems = verdict.problems.filter((problem) => !failing.includes(problem.split(':')[0] ?? ''));
  report(`${way.name}, ${revision}: ${verdict.passed} of ${verdict.required} required scenarios pass`, problems);
  if (direct !== scores) report(`${way.name}, ${revision}: as directly`, differences(direct, scores, known));
};

const wanted = orEnd(() =>
  namesOf(
    process.argv.slice(2),
    WAYS.map(({ name }) => name),
  ),
);
process.stdout.write(`# ${VERSIONS}\n`);
const direct = new Map<Revision, Scores>();
for (const way of WAYS.filter(
  ({ name, isControl }) => wanted.length === 0 || wanted.includes(name) || (name === 'direct' && isControl !== true),
)) {
  const { url, close } = await way.open();
  for (const revision of way.isControl === true ? (['2025-11-25'] as const) : REVISIONS) {
    const scores = await runSuite(url, revision);
    if (way.isControl === true) reportControl(way, scores);
    else reportScores(way, revision, scores, direct.get(revision) ?? scores);
    if (way.name === 'direct') direct.set(revision, scores);
  }
  await close();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
