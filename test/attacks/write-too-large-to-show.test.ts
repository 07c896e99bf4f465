// Attack: parameters that become twenty times as long when shown keep airlock-totp busy until it counts as dead. OPERATION-2, BRIDGE-2.
import t from 'tap';
import { ask, connectTo, errorOf } from './support/house.js';
import { startParkedWrites, type ParkedWrites } from './support/parked-write.js';

/** After so long without an answer the gateway ends every cell. */
const HEARTBEAT_LOST_MS = 2000;

let house: ParkedWrites;
t.before(async () => {
  house = await startParkedWrites();
});
t.teardown(() => house.stop());

/** The longest that airlock-totp left anybody without an answer while it worked. */
const longestWhile = async (work: Promise<unknown>): Promise<number> => {
  const link = await connectTo(house.running, 'approve/default');
  const progress = { isOver: false };
  const over = work.finally(() => (progress.isOver = true));
  let longestMs = 0;
  while (!progress.isOver) {
    const beganMs = performance.now();
    await ask(link, 'status');
    longestMs = Math.max(longestMs, performance.now() - beganMs);
  }
  await over;
  link.close();
  return longestMs;
};

const LARGE: Readonly<Record<string, string>> = {
  'half a million lines': '\n'.repeat(500_000),
  'characters that are escaped': '\u202e'.repeat(300_000),
  'nothing but its length': 'x'.repeat(1_000_000),
};

for (const [name, to] of Object.entries(LARGE)) {
  t.test(`${name}: refused, and airlock-totp answers meanwhile`, async (t) => {
    const params = { lease: house.lease, service: 'fixture', operation: 'deliver', params: { to } };
    const refused = errorOf(house.agent.call('call', params));
    t.ok((await longestWhile(refused)) < HEARTBEAT_LOST_MS);
    t.match(await refused, { code: 'PARAMS_INVALID', data: { expected: /at most 4096 bytes/ } });
  });
}

t.test('negative control: what can be shown is asked for', async (t) => {
  t.equal((await house.deliver('x'.repeat(900))).code, 'APPROVAL_PENDING');
});
