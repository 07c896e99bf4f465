// Attack: a rule denies a folder or a number of results, so the agent leaves the argument out and gets the default. CONDITION-1, CONDITION-3.
import { addMailbox, obtainLease, openSession, type AgentSession } from '@airlock/testkit';
import t from 'tap';
import { errorOf } from './support/house.js';
import { policyText, startRulesHouse, type RulesHouse } from './support/rules-house.js';

const NO_INBOX = policyText('no-inbox', [
  { id: 'inbox', decision: 'deny', services: ['mail'], when: ['folder = "INBOX"'], reason: 'the inbox is private' },
  { id: 'many', decision: 'deny', services: ['mail'], when: ['limit > 10'] },
]);

let house: RulesHouse;
let agent: AgentSession;
let lease = '';
t.before(async () => {
  house = await startRulesHouse();
  await addMailbox(house.running, 'mail');
  house.file('no-inbox.json', NO_INBOX);
  house.yaml('permissions: {allow: [use]}\npolicies: {"*": [no-echo, no-pid, no-inbox]}\n');
  await house.reload();
  agent = await openSession(house.running);
  ({ lease } = await obtainLease(house.running, agent, ['mail:read']));
});
t.teardown(async () => {
  agent.close();
  await house.stop();
});

const list = (params: object): Promise<unknown> =>
  agent.call('call', { lease, service: 'mail', operation: 'list_messages', params });

t.test('what is denied by name is denied by default', async (t) => {
  const ways = [{ folder: 'INBOX', limit: 5 }, { limit: 5 }, { folder: 'INBOX' }, {}];
  for (const params of ways)
    t.match(await errorOf(list(params)), { code: 'POLICY_DENIED', message: /no-inbox \(rule inbox\)/ }, JSON.stringify(params));
});

t.test('so is a number that nobody wrote', async (t) => {
  t.match(await errorOf(list({ folder: 'Archive' })), { code: 'POLICY_DENIED', message: /rule many/ });
});

t.test('a value of another type passes no rule and no operation', async (t) => {
  for (const params of [
    { folder: ['Archive'], limit: 5 },
    { folder: 'Archive', limit: '50' },
    { folder: null, limit: 5 },
  ])
    t.match(await errorOf(list(params)), { code: 'PARAMS_INVALID' }, JSON.stringify(params));
});

t.test('negative control: another folder and few results are not denied', async (t) => {
  t.not((await errorOf(list({ folder: 'Archive', limit: 5 }))).code, 'POLICY_DENIED');
  const tested = await house.running.command('airlock-ctl', ['policy', 'test', 'default', 'mail', 'list_messages', '--json']);
  t.match(tested.json, { decision: 'deny' }, 'the dry run says so too');
});
