/** The limits of a lease or grant in words, for the one who approves (docs/spec/approval.md "Text of a lease request"). */
import { canonicalJson, type Budget, type Constraints, type Json } from '@airlock/protocol';
import { escapeText, quoteText, wordText } from './escape.js';
import { membersOf } from './lines.js';

type Words = (value: Json) => string | null;

/** Names are quoted one by one, so that none can look like two. */
const only =
  (what: string): Words =>
  (value) =>
    Array.isArray(value) && value.length > 0
      ? `only ${what} ${(value as readonly Json[]).map((item) => quoteText(item as string)).join(', ')}`
      : null;
const day =
  (words: (day: string) => string): Words =>
  (value) =>
    typeof value === 'string' ? words(wordText(value)) : null;
const count =
  (words: (count: number) => string): Words =>
  (value) =>
    typeof value === 'number' ? words(value) : null;

const WORDS: ReadonlyMap<string, Words> = new Map([
  ['folders', only('folders')],
  ['senders', only('mail from')],
  ['domains', only('domains')],
  ['calendars', only('calendars')],
  ['since', day((text) => `nothing before ${text}`)],
  ['before', day((text) => `only before ${text}`)],
  ['maxResults', count((most) => `at most ${most} results a call`)],
  ['maxRisk', count((most) => `only results of a risk up to ${(most / 1000).toFixed(3)}`)],
]);

/** What has no words of its own is shown as it is: nothing is left out. */
const limitWords = (key: string, value: Json): string =>
  WORDS.get(key)?.(value) ?? `${wordText(key)} = ${escapeText(canonicalJson(value))}`;

/** A line for each limit, `none` where there are none. */
export const limitLines = (constraints: Constraints, budget: Budget | null): string[] => {
  const shown = membersOf(constraints).map(([key, value]) => limitWords(key, value));
  if (budget?.calls !== undefined) shown.push(`at most ${budget.calls} calls`);
  if (budget?.bytes !== undefined) shown.push(`at most ${budget.bytes} bytes of results`);
  return shown.length === 0 ? ['none'] : shown;
};
