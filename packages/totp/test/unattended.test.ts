/** UNATTENDED-2, UNATTENDED-3: writes without a code of their own are shown line by line, kept with the lease, and released. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { fileURLToPath } from 'node:url';
import { leaseText } from '../src/text/lease-text.js';
import { changeLines } from '../src/text/renewal-text.js';
import { approveFront, askFor, front, greet, openHouse, refusal } from './support/daemon.js';

const FACTS = {
  ...{ id: 'r-k3m9qz7w2p', role: 'default', session: '9f2kq1', scopes: ['mail:write:save_draft'], reason: 'x', intent: null },
  ...{ constraints: {}, budget: null, ttlS: 60, match: '07' },
};

t.test('the text is that of the spec, and a lease without one has no such line', (t) => {
  const spec = readFileSync(fileURLToPath(new URL('../../../../docs/spec/approval.md', import.meta.url)), 'utf8');
  const lines = leaseText({ ...FACTS, unattended: ['mail:save_draft'] }).split('\n');
  const at = lines.findIndex((line) => line.startsWith('  no code'));
  t.ok(spec.includes(`\`\`\`\n${lines[at - 1] ?? ''}\n${lines[at] ?? ''}\n\`\`\``));
  t.notMatch(leaseText(FACTS), /no code/, 'negative control');
  t.end();
});

t.test('a renewal says what is freed and what no longer is', (t) => {
  const present = {
    id: 'A',
    scopes: ['mail:write'],
    constraints: {},
    budget: null,
    intent: null,
    issuedMs: 0,
    expiresMs: 60_000,
  };
  const asked = { scopes: ['mail:write'], constraints: {}, budget: null, intent: null, ttlS: 60 };
  const values = changeLines({ ...present, unattended: ['mail:a'] }, { ...asked, unattended: ['mail:b'] }).map(
    ({ value }) => value,
  );
  t.same(values, ['+ mail:b without a code', '- mail:a without a code', 'nothing else changes']);
  t.end();
});

t.test('the lease keeps them; one outside its scopes is refused; two requests that differ in them are two', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const [link, bridge] = [await house.connect('approve/default'), await house.connect('bridge')];
  await greet(bridge);
  const about = { role: 'default', session: 's-12345678', scopes: ['mail:write:save_draft'] };
  for (const wrong of ['mail:send_message', 'calendar:save_draft', 'mail', 'mail:save_draft:x', 'mail:write'])
    t.equal(await refusal(askFor(bridge, { ...about, unattended: [wrong] })), 'PARAMS_INVALID', wrong);
  const plain = await askFor(bridge, about);
  const freed = await askFor(bridge, { ...about, unattended: ['mail:save_draft'] });
  t.not(freed.request, plain.request);
  await approveFront(house, link);
  house.clock.pass(60_000);
  t.match((await front(link)).text, 'no code  mail:save_draft writes without a code of its own');
  const { lease } = await approveFront(house, link);
  await house.restart();
  const again = await house.connect('bridge');
  const { leases } = await greet(again);
  t.same(leases.find(({ id }) => id === lease?.id)?.unattended, ['mail:save_draft']);
  t.equal(leases.filter(({ unattended }) => unattended !== undefined).length, 1);
});
