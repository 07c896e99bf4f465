import t from 'tap';
import { bootClock } from '../src/index.js';

t.test('boot time counts on between readings, catches up with a suspend, and never runs backwards', async (t) => {
  let upS = 100;
  let runMs = 0;
  let reads = 0;
  const boot = bootClock(
    () => {
      reads += 1;
      return upS;
    },
    () => runMs,
  );
  t.equal(boot(), 100_000);
  runMs += 5;
  t.equal(boot(), 100_005, 'without a reading');
  t.equal(reads, 1);
  upS += 3600;
  runMs += 20;
  t.equal(boot(), 3_700_000, 'an hour of suspend is seen at the next reading');
  runMs += 19;
  const before = boot();
  runMs += 1;
  t.equal(boot(), before, 'a clock of whole seconds does not run backwards at a reading');
});
