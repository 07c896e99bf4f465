// What npm run soak calls a leak, and what it does not.
import t from 'tap';
import { driftOf, problemsOf, type Sample } from './measure.js';

const samples = (of: (index: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 30 }, (_unused, index) => ({ memoryKb: 20_000, descriptors: 30, children: 0, ...of(index) }));

t.test('a heap that goes up and down is no leak; memory, descriptors and children that only rise are', async (t) => {
  const breathing = samples((index) => ({ memoryKb: 20_000 + (index % 5) * 4000, descriptors: 30 + (index % 2) }));
  t.same(problemsOf('x', driftOf(breathing)), []);
  t.match(problemsOf('x', driftOf(samples((index) => ({ memoryKb: 20_000 + index * 300 })))), [/memoryPercent/]);
  t.match(problemsOf('x', driftOf(samples((index) => ({ descriptors: 30 + index })))), [/descriptors/]);
  t.match(problemsOf('x', driftOf(samples((index) => ({ children: index > 25 ? 1 : 0 })))), [/children/]);
});
