// Power cuts and failing calls under real code (npm run test:crash says more): nothing that was durable is lost, ever.
import t from 'tap';
import { cutPower, failCalls, UNHEARD } from './powercut.js';
import { SCENARIOS } from './scenarios.js';

t.setTimeout(300_000);
// A daemon starts for each state of that story: npm run test:crash has the time for it.
for (const scenario of SCENARIOS.filter(({ name }) => name !== 'codes')) {
  t.test(`${scenario.name}: whatever a power cut leaves, what was answered for is there (STATE-2, AUDIT-8)`, async (t) => {
    const { states, lost, example } = await cutPower(scenario, 1);
    t.ok(states > 100, `${states} states`);
    t.equal(lost, 0, example ?? '');
    const unsynced = await cutPower(scenario, 1, new Set(['datasync'] as const));
    t.ok(unsynced.lost > 0, 'negative control: files that are not synced');
    const unnamed = await cutPower(scenario, 1, new Set(['sync'] as const));
    t.ok(unnamed.lost > 0, 'negative control: directories that are not synced');
  });
  t.test(`${scenario.name}: EIO, ENOSPC and short writes at each call lose nothing (AUDIT-15, AUDIT-16, STATE-4)`, async (t) => {
    const { states, lost, example } = await failCalls(scenario);
    t.ok(states > 100, `${states} states`);
    t.equal(lost, 0, example ?? '');
    for (const [what, fault] of Object.entries(UNHEARD))
      t.ok((await failCalls(scenario, [fault])).lost > 0, `negative control: ${what}`);
  });
}
