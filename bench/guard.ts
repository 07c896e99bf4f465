/** Guard on results of 2 KB and 1 MB: each step, and all that a cell does, against JSON there and back in the same run. */
import { compileArguments } from '@airlock/guard/arguments';
import { cutResult, neutraliseValue, newMask, redactValue, scoreValue } from '@airlock/guard';
import type { Json } from '@airlock/protocol';

const WORDS = (
  'the meeting of Tuesday was moved to room 4829 please send your notes before Friday order 482913 was shipped to Berlin ' +
  'see https://example.org/report/2026 or write to ada@example.org thanks and regards Emma'
).split(' ');

/** A list of messages as mail answers it, about this many characters of JSON. */
const mailsOf = (chars: number): Json => {
  const list: Json[] = [];
  for (let at = 0; JSON.stringify(list).length < chars || list.length === 0; at += 1) {
    const text = Array.from({ length: chars < 10_000 ? 60 : 1200 }, (_, n) => WORDS[(n * 7 + at) % WORDS.length]).join(' ');
    list.push({ id: `m${at}`, subject: `Notes ${at}`, from: 'Emma <emma@example.org>', text, unread: at % 2 === 0 });
  }
  return list;
};

/** Arguments as mail's search takes them, and a call that holds to them. */
const checkArguments = compileArguments({
  type: 'object',
  additionalProperties: false,
  required: ['folder'],
  properties: {
    folder: { type: 'string', minLength: 1, maxLength: 255 },
    from: { type: 'string', maxLength: 320 },
    text: { type: 'string', maxLength: 1000 },
    since: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' },
    unread: { type: 'boolean' },
    limit: { type: 'integer', minimum: 1, maximum: 200 },
  },
});
const ARGUMENTS = { folder: 'INBOX', from: 'ada@example.org', since: '2026-01-31', unread: true, limit: 50 };

const mask = newMask(['correct horse battery staple']);
const redact = (value: Json): Json => redactValue(value, { codes: true }).value;
const STEPS: Readonly<Record<string, (value: Json) => unknown>> = {
  json: (value) => JSON.parse(JSON.stringify(value)) as Json,
  check: () => checkArguments(ARGUMENTS),
  mask,
  redact,
  /** The row of the design: what stood in the way of a call before there was a score. */
  checkAndMask: (value) => [checkArguments(ARGUMENTS), redact(mask(value).value)],
  score: scoreValue,
  neutralise: neutraliseValue,
  cut: (value) => cutResult(value, 4_000_000),
  all: (value) => {
    const others = redact(mask(value).value);
    scoreValue(others);
    const visible = neutraliseValue(others);
    return cutResult(visible === others ? visible : mask(visible).value, 4_000_000);
  },
};

const p50 = (samples: readonly number[]): number => samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? NaN;

/** Microseconds of processor time a call, steps in turn, so that whatever else the machine does falls on all of them. */
const measure = (value: Json, rounds: number, calls: number): Record<string, number> => {
  const samples = new Map(Object.keys(STEPS).map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, step] of Object.entries(STEPS)) {
      const start = process.cpuUsage();
      for (let count = 0; count < calls; count += 1) step(value);
      const { user, system } = process.cpuUsage(start);
      samples.get(name)?.push((user + system) / calls);
    }
  return Object.fromEntries(
    [...samples].map(([name, values]) => [`${name}Us`, Math.round(p50(values.slice(rounds / 10)) * 10) / 10]),
  );
};

const sizeOf = (chars: number, rounds: number, calls: number): object => {
  const value = mailsOf(chars);
  const times = measure(value, rounds, calls);
  return {
    chars: JSON.stringify(value).length,
    ...times,
    ratio: Math.round(((times['allUs'] ?? NaN) / (times['jsonUs'] ?? NaN)) * 10) / 10,
  };
};

/** `{sizes: [{chars, jsonUs, checkUs, maskUs, redactUs, checkAndMaskUs, scoreUs, neutraliseUs, cutUs, allUs, ratio}]}`. */
export const run = async (): Promise<object> => ({ sizes: [sizeOf(2048, 60, 50), sizeOf(1024 * 1024, 20, 1)] });
