/** One decision under 10 to 10,000 rules, against an obvious loop over the same rules in the same run. Reach: p50 ≤ 10 µs. */
import { compileRules, decideCall, type CallQuestion, type PolicyRule, type RuleSet } from '@airlock/policy';

const SIZES = [10, 100, 1000, 10_000];
const CALLS = 2000;
const ROUNDS = 30;

const ruleOf = (n: number): PolicyRule => ({
  id: `r${n}`,
  decision: n % 3 === 0 ? 'deny' : 'approval',
  services: [`other${n % 50}*`],
  operations: [`operation_${n % 97}*`],
  ...(n % 4 === 0 ? { when: [`amount > ${n}`] } : {}),
});

const setOf = (count: number): RuleSet => ({
  permissions: { default: 'read', allow: ['write'] },
  policies: [
    {
      ...{ id: 'p', name: 'P', description: 'generated', status: 'active', blocked_commands: [] },
      // Two rules are about every call, however many there are, so that the sizes differ in nothing but the others.
      rules: [
        { id: 'a', decision: 'approval', services: ['service*'], when: ['amount > 1900'] },
        { id: 'b', decision: 'deny', operations: ['operation_*'], when: ['amount > 1990'] },
        ...Array.from({ length: count - 2 }, (_, n) => ruleOf(n)),
      ],
    },
  ],
  attachments: { '*': ['p'] },
});

type Call = Omit<CallQuestion, 'rules'>;
const callOf = (n: number): Call => {
  const service = `service${n % 50}`;
  return {
    service,
    operation: { name: `operation_${n % 97}`, class: 'read', outward: false, untrusted: false },
    scopes: [[{ service, class: 'read', operation: null }]],
    ...{ role: 'default', client: 'bench', params: { amount: n }, nowMs: 0, rateCount: () => 0, tainted: false },
  };
};

/** Every rule, one after the other, as it is written. */
const naive = ({ policies }: RuleSet, { service, operation, params }: Call): string => {
  const matching = policies
    .flatMap(({ rules }) => rules)
    .filter(
      (rule) =>
        (rule.services ?? ['*']).some((one) => service.startsWith(one.slice(0, -1))) &&
        (rule.operations ?? ['*']).some((one) => operation.name.startsWith(one.slice(0, -1))) &&
        (rule.when ?? []).every((one) => Number(params?.['amount']) > Number(one.split(' ')[2])),
    );
  return matching.some(({ decision }) => decision === 'deny') ? 'deny' : matching.length > 0 ? 'approval' : 'allow';
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
const round2 = (value: number): number => Math.round(value * 100) / 100;

const roundUs = (calls: readonly Call[], decide: (call: Call) => unknown): number => {
  const start = process.hrtime.bigint();
  for (const call of calls) decide(call);
  return Number(process.hrtime.bigint() - start) / 1000 / calls.length;
};

const measure = (size: number): object => {
  const set = setOf(size);
  const began = process.hrtime.bigint();
  const rules = compileRules(set);
  const compileMs = round2(Number(process.hrtime.bigint() - began) / 1e6);
  const calls = Array.from({ length: CALLS }, (_, n) => callOf(n));
  const few = calls.slice(0, Math.max(20, Math.floor(CALLS / Math.max(1, size / 100))));
  for (const call of few)
    if (decideCall({ ...call, rules }).decision !== naive(set, call)) throw new Error(`they differ at ${JSON.stringify(call)}`);
  const fresh = compileRules(set);
  const firstUs = round2(roundUs(calls.slice(-1), (call) => decideCall({ ...call, rules: fresh })));
  const [own, plain]: [number[], number[]] = [[], []];
  // Not interleaved: the plain loop makes lists of thousands of rules, and collecting them would be measured with ours.
  for (let n = 0; n < ROUNDS; n += 1) own.push(roundUs(calls, (call) => decideCall({ ...call, rules })));
  for (let n = 0; n < ROUNDS; n += 1) plain.push(roundUs(few, (call) => naive(set, call)));
  return { rules: size, p50Us: round2(median(own)), naiveP50Us: round2(median(plain)), compileMs, firstUs };
};

/** `{sizes: [{rules, p50Us, naiveP50Us, compileMs, firstUs}], growth, reachUs, reached}`; `growth`: p50 of the most rules by that of the fewest. */
export const run = (): Promise<object> => {
  const sizes = SIZES.map(measure) as { p50Us: number }[];
  const growth = round2((sizes.at(-1)?.p50Us ?? NaN) / (sizes[0]?.p50Us ?? NaN));
  return Promise.resolve({ sizes, growth, reachUs: 10, reached: sizes.every(({ p50Us }) => p50Us <= 10) });
};
