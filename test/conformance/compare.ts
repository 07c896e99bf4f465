// What the scores of two ways to the same server say about the way. Pure.
import type { Score, Scores } from './suite.js';

export interface Verdict {
  /** Required scenarios that passed, of how many. */
  readonly passed: number;
  readonly required: number;
  readonly problems: readonly string[];
}

const isPassed = (score: Score | undefined): boolean => score !== undefined && score.failed === 0 && score.passed > 0;
const say = (score: Score | undefined): string =>
  score === undefined ? 'not run' : `${score.passed} passed, ${score.failed} failed`;

/** Required scenarios have to pass. */
export const judge = (required: readonly string[], scores: Scores): Verdict => {
  const failed = required.filter((name) => !isPassed(scores.get(name)));
  return {
    passed: required.length - failed.length,
    required: required.length,
    problems: failed.map((name) => `${name}: ${say(scores.get(name))}`),
  };
};

/** Every scenario, required or not, has the score that it has directly; `known` are differences that the way explains. */
export const differences = (direct: Scores, other: Scores, known: readonly string[] = []): readonly string[] =>
  [...new Set([...direct.keys(), ...other.keys()])]
    .filter((name) => say(direct.get(name)) !== say(other.get(name)) && !known.includes(name))
    .map((name) => `${name}: directly ${say(direct.get(name))}; this way ${say(other.get(name))}`);
