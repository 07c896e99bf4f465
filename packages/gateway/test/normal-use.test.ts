// Requests recorded from the airlock command, the client library and the official MCP client (test/normal-use/record.ts), replayed.
import { DEFAULT_CONFIG, isErrorCode, type AnomalyLimits } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Detector, type Anomaly } from '../src/watch/detector.js';
import { GATEWAY_LIMITS } from '../src/limits.js';

interface RecordedCall {
  readonly atMs: number;
  readonly program: string;
  readonly session: string;
  readonly method: string;
  readonly at: string;
  readonly params: string;
  readonly code: string | null;
}

const calls = readFileSync(fileURLToPath(new URL('../../../../test/normal-use/calls.jsonl', import.meta.url)), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as RecordedCall);

/** What was beyond normal, were these the limits. */
const replay = (limits: AnomalyLimits): Anomaly[] => {
  const detector = new Detector(limits, GATEWAY_LIMITS.maxWatchedSessions);
  return calls.flatMap(({ atMs, session, method, at, params, code }) => {
    const actor = { role: 'default', session };
    const target = code === 'NOT_FOUND' ? params : at;
    const found = [
      method === 'call' ? detector.observe(actor, { what: 'call' }, atMs) : null,
      isErrorCode(code) ? detector.observe(actor, { what: 'refusal', code, target }, atMs) : null,
    ];
    return found.filter((anomaly) => anomaly !== null);
  });
};

t.test('2,000 calls of real programs in normal use, mistakes included: none is an anomaly', async (t) => {
  const real = calls.filter(({ method }) => method === 'call');
  t.ok(real.length >= 2000, `${real.length} calls`);
  for (const program of ['library', 'mcp', 'command'])
    t.ok(real.filter((call) => call.program === program).length >= 200, `of ${program}`);
  t.ok(calls.filter(({ code }) => code !== null).length > 50, 'negative control: not everything went well');
  t.same(replay(DEFAULT_CONFIG.anomalies), []);
});

t.test('negative control: with narrow limits the same calls are', async (t) => {
  const kinds = (limits: Partial<AnomalyLimits>): string[] => [
    ...new Set(replay({ ...DEFAULT_CONFIG.anomalies, ...limits }).map(({ kind }) => kind)),
  ];
  t.same(kinds({ callsPerMinute: 200 }), ['rate']);
  t.same(kinds({ errorsPerMinute: 5 }), ['errors']);
  t.same(kinds({ unknownIdsPer5Minutes: 3 }), ['ids']);
});
