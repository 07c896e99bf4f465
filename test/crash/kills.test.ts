// The judge of npm run test:crash finds what a kill must not do.
import t from 'tap';
import { problemsIn, type Facts } from './kills.js';

const FINE: Facts = { issued: ['a', 'b'], live: ['b', 'a'], handedOut: ['a'], calls: ['a', 'b'], recorded: ['b', 'a', 'a'] };

t.test('negative control: a lost, doubled or invented lease and a call off the record are found', async (t) => {
  t.same(problemsIn(FINE), []);
  t.same(problemsIn({ ...FINE, live: ['a'] }), [], 'recorded, and killed before it was registered: given to nobody');
  t.match(problemsIn({ ...FINE, live: ['b'] }), [/register lost/], 'a lease that was handed out');
  t.match(problemsIn({ ...FINE, live: ['a', 'b', 'c'] }), [/not in the record/]);
  t.match(problemsIn({ ...FINE, issued: ['a', 'b', 'b'], live: ['a', 'b', 'b'] }), [/twice/]);
  t.match(problemsIn({ ...FINE, handedOut: ['c'] }).join(), /that is not in the record/);
  t.match(
    problemsIn({ ...FINE, recorded: ['a', 'a', 'a'] }),
    [/calls of 1 leases/],
    'calls of another that were asked again hide nothing',
  );
});
