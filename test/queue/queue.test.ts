// The model of the approval queue, small: npm run model has the sizes that count.
import t from 'tap';
import { explore, lockout, type Bound } from './explore.js';
import { interleave } from './lockstep.js';
import { RULES } from './model.js';

const BOUND: Bound = { places: { agents: 2, role: 2, operator: 1 }, roles: ['a', 'b'] };

t.test('QUEUE-1 to QUEUE-5: over every state of a small queue no code approves what was not on display', async (t) => {
  const { swap, states } = explore(BOUND);
  t.equal(swap, null);
  t.ok(states > 100, `${states} states`);
  const without = explore(BOUND, { ...RULES, floor: false });
  t.ok(without.swap, `negative control: without the floor rule: ${without.swap?.join(', ') ?? ''}`);
});

t.test('QUEUE-1, QUEUE-7: whatever agents do, the operator gets through', async (t) => {
  t.not(lockout(BOUND).operatorMoves, null);
  t.equal(lockout(BOUND, { ...RULES, keepsFront: false }).operatorMoves, null, 'negative control: a front that agents displace');
  t.equal(lockout(BOUND, { ...RULES, ownPlaces: false }).operatorMoves, null, 'negative control: no places of the operator');
});

t.test('the real queue and the model say the same through 2,000 interleavings', async (t) => {
  const { difference, swaps, approvals } = interleave(2000, 1);
  t.equal(difference, null);
  t.equal(swaps, 0);
  t.ok(approvals > 200, `${approvals} approvals`);
  t.not(interleave(2000, 1, false).difference, null, 'negative control: the real code without its floor rule');
});
