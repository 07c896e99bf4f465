// Programs as they are sealed with a credential: docs/spec/upstream.md.
import {
  AirlockError,
  canonicalDestination,
  canonicalProgram,
  destinationDigest,
  formatDestination,
  parseProgram,
  resolveDestination,
  type ConnectorManifest,
  type Destination,
} from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';

const text = (value: unknown): string => JSON.stringify(value);
const GOOD = text({ argv: ['/usr/bin/server', '--stdio'], env: { LEVEL: 'debug' } });

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.code;
    throw thrown;
  }
  return 'none';
};

t.test('one text for one program, whatever the order of its members', (t) => {
  t.same(parseProgram(GOOD), { argv: ['/usr/bin/server', '--stdio'], env: { LEVEL: 'debug' } });
  t.equal(canonicalProgram(text({ env: { B: '1', A: '2' }, argv: ['/x'] })), '{"argv":["/x"],"env":{"A":"2","B":"1"}}');
  t.end();
});

t.test('what could run another program than the one that is shown is refused', (t) => {
  const BAD: readonly unknown[] = [
    'no JSON'.slice(0, 0),
    [],
    { argv: ['/x'] },
    { argv: ['/x'], env: {}, cwd: '/' },
    { argv: [], env: {} },
    { argv: ['x'], env: {} },
    { argv: ['/a/../x'], env: {} },
    { argv: ['/x', 'a\nb'], env: {} },
    { argv: ['/x', 'a\u0000'], env: {} },
    { argv: ['/x', 1], env: {} },
    { argv: ['/x', '\ud800'], env: {} },
    { argv: Array.from({ length: 65 }, () => '/x'), env: {} },
    { argv: ['/x'], env: { 'A=B': '1' } },
    { argv: ['/x'], env: { '': '1' } },
    { argv: ['/x'], env: { A: 1 } },
    { argv: ['/x'], env: { A: 'a\rb' } },
    { argv: ['/x', 'y'.repeat(5000)], env: {} },
  ];
  for (const value of BAD)
    t.equal(
      refusal(() => parseProgram(text(value))),
      'PARAMS_INVALID',
      text(value).slice(0, 60),
    );
  t.equal(
    refusal(() => parseProgram('{')),
    'PARAMS_INVALID',
  );
  t.equal(
    refusal(() => parseProgram(GOOD)),
    'none',
    'negative control',
  );
  t.end();
});

t.test('other words are another destination: no two programs have one digest', (t) => {
  const word = fc.string({ maxLength: 8 }).filter((one) => !/\p{Cc}/u.test(one) && one.isWellFormed());
  const program = fc.record({
    argv: fc.array(word, { maxLength: 3 }).map((rest) => ['/x', ...rest]),
    env: fc.dictionary(fc.constantFrom('A', 'B', 'C'), word, { maxKeys: 2 }),
  });
  const digest = (value: object): string => destinationDigest({ kind: 'mcp', program: text(value), origins: [], user: '' });
  fc.assert(
    fc.property(
      program,
      program,
      (a, b) => (digest(a) === digest(b)) === (canonicalProgram(text(a)) === canonicalProgram(text(b))),
    ),
  );
  t.end();
});

const MANIFEST = {
  kind: 'mcp',
  settings: {
    type: 'object',
    additionalProperties: false,
    required: ['program'],
    properties: { program: { type: 'string' }, network: { type: 'string', default: '' } },
  },
  destination: { program: '{program}', origins: ['{network[]?}'] },
} as unknown as ConnectorManifest;

t.test('settings give the program, and the origins it may reach: none where there are none', (t) => {
  t.same(resolveDestination(MANIFEST, { program: GOOD }), {
    kind: 'mcp',
    program: canonicalProgram(GOOD),
    origins: [],
    user: '',
  });
  const reaching = resolveDestination(MANIFEST, { program: GOOD, network: 'api.example.org, http://10.0.0.1:8080' });
  t.equal(
    formatDestination(reaching),
    'LEVEL=debug /usr/bin/server --stdio (network: https://api.example.org:443, http://10.0.0.1:8080)',
  );
  t.not(destinationDigest(reaching), destinationDigest(resolveDestination(MANIFEST, { program: GOOD })));
  t.equal(
    formatDestination(resolveDestination(MANIFEST, { program: GOOD })),
    'LEVEL=debug /usr/bin/server --stdio (network: none)',
  );
  t.end();
});

t.test('a program beside a path is no destination; origins alone are one as before', (t) => {
  const both = { kind: 'mcp', program: GOOD, origins: [], path: '/srv', user: '' } as unknown as Destination;
  t.equal(
    refusal(() => canonicalDestination(both)),
    'PARAMS_INVALID',
  );
  t.equal(
    refusal(() => canonicalDestination({ kind: 'mcp', origins: [], user: '' })),
    'PARAMS_INVALID',
  );
  t.end();
});
