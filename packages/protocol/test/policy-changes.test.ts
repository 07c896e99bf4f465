// RULES-5: what is shown with the code about changed rules.
import fc from 'fast-check';
import t from 'tap';
import { shownChanges } from '../src/policy-changes.js';
import { validate } from '../src/validate.js';

t.test('what fits is shown as it is; what is beyond is counted', (t) => {
  t.same(shownChanges(['+ class write may be asked for']), ['+ class write may be asked for']);
  const lines = shownChanges(Array.from({ length: 45 }, (_, index) => `line ${index}`));
  t.same(lines.slice(39), ['line 39', 'and 5 more: airlock-ctl policy list']);
  t.end();
});

t.test('whatever the changes are, an action can be opened with them', (t) => {
  const digest = 'a'.repeat(64);
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 400, unit: 'binary' }), { minLength: 1, maxLength: 60 }),
      (changes) => validate('action.policy.apply', { digest, changes: shownChanges(changes) }) === null,
    ),
  );
  t.not(validate('action.policy.apply', { digest, changes: ['x'.repeat(300)] }), null, 'negative control');
  t.end();
});
