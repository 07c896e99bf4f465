/** Recurrence against python3-dateutil itself; needs the Debian package python3-dateutil. */
import t from 'tap';
import { caseText, ours, randomCases, theirs } from './random-rules.js';

t.setTimeout(200_000);

t.test('2,200 random rules give what python3-dateutil gives', { timeout: 200_000 }, async (t) => {
  const cases = randomCases(2200);
  const expected = theirs(cases);
  const wrong = cases.filter((one, index) => JSON.stringify(ours(one)) !== JSON.stringify(expected[index]));
  t.same(wrong.map(caseText), []);
  t.ok(expected.filter((times) => times.length > 0).length > 1400, 'most have instances in their window');
});

t.test('other rules than the recorded ones', { timeout: 200_000 }, async (t) => {
  const cases = randomCases(200, Date.UTC(2025, 0, 1) % 100_003);
  const expected = theirs(cases);
  t.same(cases.filter((one, index) => JSON.stringify(ours(one)) !== JSON.stringify(expected[index])).map(caseText), []);
});

t.test('negative control: another rule gives another answer', async (t) => {
  const one = { start: '2025-01-06T09:00:00', rule: 'FREQ=DAILY', from: '2025-01-06T00:00:00', to: '2025-02-06T00:00:00' };
  t.not(JSON.stringify(ours(one)), JSON.stringify(theirs([{ ...one, rule: 'FREQ=WEEKLY' }])[0]));
});
