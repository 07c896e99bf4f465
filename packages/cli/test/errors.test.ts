/** Exit codes, the form of errors, and arguments that are none. */
import { AirlockError, ERRORS, type ErrorCode } from '@airlock/client';
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import t from 'tap';
import { commandHint } from '../src/hints.js';
import { airlock } from './command.js';

const codes = Object.keys(ERRORS) as ErrorCode[];

t.test('ERR-5: every code of the gateway exits as the table says', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  const lease = gateway.lease(['gmail:read']);
  // One code of each exit code and one more, so that the run stays short; the table itself holds the rest.
  const chosen = [...new Set(codes.map((code) => ERRORS[code].exit))].flatMap((exit) =>
    codes.filter((code) => ERRORS[code].exit === exit).slice(0, 2),
  );
  for (const code of chosen) {
    gateway.answers.set('call', () => {
      throw new AirlockError(code, 'said the gateway', { request: 'r-1234', retryAfterMs: 5 });
    });
    const outcome = await airlock(['call', 'gmail', 'search', '--json', '--lease', lease], { env: gateway.env });
    test.equal(outcome.code, ERRORS[code].exit, code);
    test.same(outcome.json, {
      error: {
        code,
        message: 'said the gateway',
        hint: commandHint(ERRORS[code].hint),
        retry: ERRORS[code].retry,
        request: 'r-1234',
        retryAfterMs: 5,
      },
    });
    test.equal(outcome.stderr, `airlock: error: said the gateway (${code})\nairlock: hint: ${commandHint(ERRORS[code].hint)}\n`);
  }
});

t.test('bad command lines exit with 2, in the same form', async (test) => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const lines = [
    ['request', 'gmail:read'],
    ['request'],
    ['frobnicate'],
    ['services', '--frobnicate'],
    ['call', 'gmail'],
    ['call', 'gmail', 'search', 'extra'],
    ['lease'],
    ['help', 'frobnicate'],
    ['completion', 'tcsh'],
    ['call', 'gmail', 'search', '-p', '{"a": 1, "a": 2}'],
    ['call', 'gmail', 'search', '-p', '[1]'],
    ['call', 'gmail', 'search', '-p', '{'],
    ['status', '--role', '../x'],
  ];
  for (const line of lines) {
    const outcome = await airlock([...line, '--json'], { env });
    test.equal(outcome.code, 2, line.join(' '));
    test.match(outcome.json, { error: { code: 'PARAMS_INVALID', hint: /\S/, message: /\S/ } }, line.join(' '));
    test.match(outcome.stderr, /^airlock: error: .*\nairlock: hint: .*\n$/, line.join(' '));
  }
});

t.test('numbers and constraints of a request are checked before anything is asked', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  for (const flags of [
    ['--ttl', '1.5'],
    ['--ttl', '-3'],
    ['--ttl', '0'],
    ['--constraint', 'folders'],
    ['--constraint', '=x'],
  ]) {
    const outcome = await airlock(['request', 'gmail', '--reason', 'x', ...flags], { env: gateway.env });
    test.equal(outcome.code, 2, flags.join(' '));
  }
  test.equal(gateway.calls('access.request').length, 0);
});

t.test('no gateway exits with 5 and a hint', async (test) => {
  const outcome = await airlock(['status', '--json'], {
    env: { AIRLOCK_RUNTIME_DIR: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' },
  });
  test.equal(outcome.code, 5);
  test.match(outcome.json, { error: { code: 'UNAVAILABLE', hint: /doctor/ } });
});

t.test('AIRLOCK_JSON counts like --json, and no colour reaches a pipe', async (test) => {
  const outcome = await airlock(['frobnicate'], { env: { AIRLOCK_JSON: '1' } });
  test.match(outcome.json, { error: { code: 'PARAMS_INVALID' } });

  test.notMatch(outcome.stderr, /\u001b/);
  test.equal((await airlock(['frobnicate'], { env: { AIRLOCK_JSON: '0' } })).stdout, '');
});
