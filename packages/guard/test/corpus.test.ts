/**
 * How much is masked and how sure the score is, on labelled texts: docs/guard.md says where they come from. GUARD-7 to
 * GUARD-11, GUARD-15. The held-out part was not looked at while rules were written.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { redactText, scoreText } from '../src/index.js';

interface Item {
  readonly source: string;
  readonly kind: string;
  readonly part: 'held' | 'seen' | 'own';
  readonly text: string;
  /** Each must be gone; none: the text must stay as it is. */
  readonly secrets: readonly string[];
}

interface Sample {
  readonly source: string;
  readonly part: 'held' | 'seen' | 'own';
  readonly isInjection: boolean;
  readonly text: string;
}

const load = <T>(name: string): T[] =>
  JSON.parse(gunzipSync(readFileSync(new URL(`../../test/corpus/${name}.json.gz`, import.meta.url))).toString()) as T[];

const items = load<Item>('masking');
const samples = load<Sample>('injection');

interface Figures {
  readonly items: number;
  readonly recall: number;
  readonly precision: number;
}

type Redact = (text: string, kind: string) => string;
const asked: Redact = (text, kind) => redactText(text, { codes: true, emails: kind === 'email', phones: kind === 'phone' });

/** An item counts as found where every secret is gone, as a false alarm where a text without one was changed. */
const figuresOf = (some: readonly Item[], redact: Redact): Figures => {
  let [found, missed, wrong] = [0, 0, 0];
  for (const { text, kind, secrets } of some) {
    const masked = redact(text, kind);
    if (secrets.length === 0) wrong += masked === text ? 0 : 1;
    else if (secrets.every((secret) => !masked.includes(secret))) found += 1;
    else missed += 1;
  }
  return { items: some.length, recall: found / (found + missed), precision: found + wrong === 0 ? 0 : found / (found + wrong) };
};

const isEnough = ({ recall, precision }: Figures): boolean => recall >= 0.98 && precision >= 0.95;

t.test('the corpus is as large and as foreign as docs/guard.md says', async (test) => {
  test.ok(items.length >= 2000, `${items.length} items`);
  test.ok(items.filter(({ part }) => part === 'held').length >= items.length / 2, 'at least half is held out');
  test.ok(items.filter(({ source }) => source !== 'own').length >= items.length / 2, 'at least half comes from others');
});

t.test('recall and precision of masking', async (test) => {
  for (const part of ['held', 'seen', 'own', 'all']) {
    const figures = figuresOf(part === 'all' ? items : items.filter((item) => item.part === part), asked);
    test.comment(
      `${part}: ${figures.items} items, recall ${figures.recall.toFixed(4)}, precision ${figures.precision.toFixed(4)}`,
    );
    test.ok(isEnough(figures), `${part}: recall ≥ 0.98, precision ≥ 0.95`);
  }
  test.notOk(isEnough(figuresOf(items, (text) => text)), 'negative control: what masks nothing is not enough');
  test.notOk(isEnough(figuresOf(items, () => '')), 'negative control: what masks everything is not enough');
});

/** The share of injections that score above all but one in a hundred ordinary texts. */
const rateOf = (injections: readonly Sample[], ordinary: readonly Sample[], score: (text: string) => number) => {
  const scores = ordinary.map(({ text }) => score(text)).sort((a, b) => b - a);
  const threshold = scores[Math.floor(scores.length / 100)] ?? 1;
  return { threshold, rate: injections.filter(({ text }) => score(text) > threshold).length / injections.length };
};

t.test('true positives of the injection score at one percent false positives', async (test) => {
  const ordinary = samples.filter(({ isInjection, part }) => !isInjection && part === 'held');
  test.ok(ordinary.length >= 1000);
  const score = (text: string): number => scoreText(text).score;
  for (const [part, least] of [
    ['held', 0.75],
    ['own', 0.9],
  ] as const) {
    const injections = samples.filter((sample) => sample.isInjection && sample.part === part);
    const { threshold, rate } = rateOf(injections, ordinary, score);
    test.comment(
      `${part}: ${injections.length} injections, ${ordinary.length} ordinary, threshold ${threshold}, rate ${rate.toFixed(3)}`,
    );
    test.ok(rate >= least, `${part}: ${rate}`);
  }
  const control = rateOf(
    samples.filter(({ isInjection }) => isInjection),
    ordinary,
    (text) => (text.length % 7) / 7,
  );
  test.ok(control.rate < 0.5, 'negative control: a score of the length alone finds few');
});
