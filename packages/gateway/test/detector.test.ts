import { DEFAULT_CONFIG, type AnomalyLimits, type ErrorCode } from '@airlock/protocol';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Detector, type Observed } from '../src/watch/detector.js';
import { KINDS, KINDS_OF_CODE, type AnomalyKind } from '../src/watch/kinds.js';
import { DistinctMeter } from '../src/watch/meter.js';

interface Step {
  readonly atMs: number;
  readonly session: string | null;
  readonly call?: true;
  readonly code?: ErrorCode;
  readonly target?: string;
  readonly blocked: string | null;
}
interface Vector {
  readonly limits: AnomalyLimits;
  readonly cases: readonly { readonly name: string; readonly steps: readonly Step[] }[];
}

const MAX_SESSIONS = 8;
const LIMITS = DEFAULT_CONFIG.anomalies;

const vector = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../../test/golden/anomalies.json', import.meta.url)), 'utf8'),
) as Vector;

const observed = ({ call, code, target = '' }: Step): Observed =>
  call === true || code === undefined ? { what: 'call' } : { what: 'refusal', code, target };

const blockedBy = (detector: Detector, step: Step): string | null => {
  const anomaly = detector.observe({ role: 'r', session: step.session }, observed(step), step.atMs);
  return anomaly === null ? null : (anomaly.session ?? 'role');
};

t.test('ANOM-1, ANOM-2, ANOM-3: the vector', async (t) => {
  for (const { name, steps } of vector.cases) {
    const detector = new Detector(vector.limits, MAX_SESSIONS);
    t.same(
      steps.map((step) => blockedBy(detector, step)),
      steps.map(({ blocked }) => blocked),
      name,
    );
  }
});

t.test('each kind is crossed by the first above its limit, with the limits there are without configuration', async (t) => {
  const codes: Readonly<Record<Exclude<AnomalyKind, 'rate'>, ErrorCode>> = {
    denials: 'POLICY_DENIED',
    errors: 'UPSTREAM_REFUSED',
    ids: 'NOT_FOUND',
    scopes: 'OPERATION_UNKNOWN',
    codes: 'CODE_ON_AGENT_SOCKET',
  };
  for (const [kind, code] of Object.entries(codes) as [Exclude<AnomalyKind, 'rate'>, ErrorCode][]) {
    const limit = KINDS[kind].limitOf(LIMITS);
    const detector = new Detector(LIMITS, MAX_SESSIONS);
    const crossings = Array.from({ length: limit + 1 }, (_, n) =>
      detector.observe({ role: 'r', session: 's' }, { what: 'refusal', code, target: String(n) }, 0),
    );
    t.equal(
      crossings.findIndex((anomaly) => anomaly !== null),
      limit,
      kind,
    );
    t.match(crossings.at(-1), { kind }, `${kind}: by that kind`);
  }
});

t.test('ANOM-3: many sessions of a role do not make more room than four', async (t) => {
  const detector = new Detector(LIMITS, MAX_SESSIONS);
  let calls = 0;
  const crossed = (): boolean => {
    const anomaly = detector.observe({ role: 'r', session: `s${calls}` }, { what: 'call' }, 0);
    calls += 1;
    return anomaly?.session === null;
  };
  while (!crossed() && calls < 100_000);
  t.equal(calls, 4 * LIMITS.callsPerMinute + 1);
});

t.test('ANOM-3: what crosses the line of a session and that of its role blocks the role', async (t) => {
  const limits = { ...LIMITS, denialsPer5Minutes: 2, probedScopesPer5Minutes: 1 };
  const detector = new Detector(limits, MAX_SESSIONS);
  const probe = (session: string, target: string) =>
    detector.observe({ role: 'r', session }, { what: 'refusal', code: 'OPERATION_UNKNOWN', target }, 0);
  for (const session of ['a', 'b', 'c', 'd']) t.equal(probe(session, session), null);
  for (let n = 0; n < 2; n += 1) t.equal(probe('e', 'a'), null);
  t.match(probe('e', 'e'), { session: null, kind: 'scopes' }, 'the third denial of its session, the fifth scope of its role');
  const first = new Detector({ ...limits, probedScopesPer5Minutes: 100 }, MAX_SESSIONS);
  const answers = ['a', 'a', 'a'].map((target) =>
    first.observe({ role: 'r', session: 's' }, { what: 'refusal', code: 'OPERATION_UNKNOWN', target }, 0),
  );
  t.match(answers, [null, null, { session: 's', kind: 'denials' }], 'negative control');
});

t.test('ANOM-7: what is kept does not grow with what is sent', async (t) => {
  const detector = new Detector(LIMITS, MAX_SESSIONS);
  const meter = new DistinctMeter(20, 300_000);
  for (let n = 0; n < 5000; n += 1) {
    detector.observe({ role: 'r', session: `s${n}` }, { what: 'refusal', code: 'NOT_FOUND', target: String(n) }, n);
    t.ok(meter.add(n, String(n)) <= 21 || t.fail('more targets than the limit and one'));
  }
  t.equal(detector.size, MAX_SESSIONS);
});

t.test('ANOM-8: a role is not touched by what another does', async (t) => {
  const detector = new Detector(LIMITS, MAX_SESSIONS);
  for (let n = 0; n < 100; n += 1)
    detector.observe({ role: 'noisy', session: 's' }, { what: 'refusal', code: 'CODE_ON_AGENT_SOCKET', target: '' }, 0);
  t.equal(detector.observe({ role: 'quiet', session: 's' }, { what: 'call' }, 0), null);
});

t.test('after a block, and after its end, counting begins anew', async (t) => {
  const detector = new Detector({ ...LIMITS, errorsPerMinute: 1 }, MAX_SESSIONS);
  const fail = () => detector.observe({ role: 'r', session: 's' }, { what: 'refusal', code: 'INTERNAL', target: '' }, 0) !== null;
  t.same([fail(), fail()], [false, true]);
  detector.forget({ role: 'r', session: 's' });
  t.same([fail(), fail()], [false, true], 'of the session');
  detector.forget({ role: 'r', session: null });
  t.same([fail(), fail(), fail()].slice(0, 2), [false, true], 'of the role');
});

t.test('whatever an agent sends below every limit, in whatever order and time, blocks nothing', async (t) => {
  const quiet = fc.constantFrom<ErrorCode>(
    ...(Object.keys(KINDS_OF_CODE) as ErrorCode[]).filter((code) => KINDS_OF_CODE[code].length === 0),
  );
  const step = fc.record({ code: quiet, target: fc.string(), gapMs: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
      const detector = new Detector({ ...LIMITS, errorsPerMinute: 1, denialsPer5Minutes: 1 }, MAX_SESSIONS);
      let nowMs = 0;
      return steps.every(({ code, target, gapMs }) => {
        nowMs += gapMs;
        return detector.observe({ role: 'r', session: 's' }, { what: 'refusal', code, target }, nowMs) === null;
      });
    }),
    { numRuns: 50 },
  );
  const loud = new Detector({ ...LIMITS, errorsPerMinute: 1 }, MAX_SESSIONS);
  const internal: Observed = { what: 'refusal', code: 'INTERNAL', target: '' };
  loud.observe({ role: 'r', session: 's' }, internal, 0);
  t.not(loud.observe({ role: 'r', session: 's' }, internal, 0), null, 'negative control: what counts does');
});

t.test('a steady pace below the limit is never blocked, one above it is', async (t) => {
  const blockedAfter = (perMinute: number): number => {
    const detector = new Detector(LIMITS, MAX_SESSIONS);
    for (let n = 0; n < 20_000; n += 1) {
      const nowMs = (n * 60_000) / perMinute;
      if (detector.observe({ role: 'r', session: 's' }, { what: 'call' }, nowMs) !== null) return n;
    }
    return Infinity;
  };
  t.equal(blockedAfter(LIMITS.callsPerMinute - 1), Infinity);
  t.ok(blockedAfter(LIMITS.callsPerMinute * 2) < 2 * LIMITS.callsPerMinute + 2);
});
