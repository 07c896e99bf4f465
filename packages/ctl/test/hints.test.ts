/** Hints that people can follow: of every code, whatever a program is told. */
import { AirlockError, ERRORS, type ErrorCode } from '@airlock/protocol';
import t from 'tap';
import { errorLines, hintFor } from '../src/hints.js';

const FOR_PROGRAMS =
  /`|field named|\bparams\.|\baccess\.[a-z]|\bservices\.list|retryAfterMs|send hello|list first|context\.intent|class read/;

t.test('no code leaves a person with a hint for programs', (t) => {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  for (const code of codes) {
    for (const detail of [{}, { field: '--log', expected: 'gateway or totp' }, { retryAfterMs: 1500, audit: 7 }]) {
      const hint = hintFor(new AirlockError(code, 'x', detail));
      t.notMatch(hint, FOR_PROGRAMS, code);
      t.not(hint, '', code);
    }
  }
  t.ok(
    codes.some((code) => FOR_PROGRAMS.test(ERRORS[code].hint)),
    'negative control: the table has such hints',
  );
  t.end();
});

t.test('what is to be corrected is named as it was given', (t) => {
  const invalid = (field: string, expected?: string): string =>
    hintFor(new AirlockError('PARAMS_INVALID', 'x', { field, ...(expected === undefined ? {} : { expected }) }));
  t.equal(invalid('--log', 'gateway or totp'), 'correct the option --log, allowed: gateway or totp; then run it again');
  t.equal(invalid('PATH'), 'correct the argument PATH; then run it again');
  t.equal(invalid('params.service', 'a name'), 'correct what was given as service, allowed: a name; then run it again');
  t.equal(
    hintFor(new AirlockError('NOT_FOUND', 'x', { field: '--dir', expected: 'a log' })),
    'look at the option --dir, expected: a log',
  );
  t.end();
});

t.test('a hint of its own stands, in words of the command', (t) => {
  const error = new AirlockError('PARAMS_INVALID', 'no', { field: 'params.limit', hint: 'set params.limit to at most 200' });
  t.equal(errorLines(error), 'airlock: error: no\nairlock: hint: set limit to at most 200');
  t.match(hintFor(new AirlockError('RATE_LIMITED', 'x', { retryAfterMs: 1500 })), /wait for 2 s/);
  t.match(hintFor(new AirlockError('INTERNAL', 'x', { audit: 7 })), /record 7 of airlock-ctl audit/);
  t.end();
});
