// Attack: an agent takes over an account by a code or a reset link that lies in the mailbox it may read. CELL-11, GUARD-11.
import {
  addMailbox,
  obtainLease,
  openSession,
  startTestInstance,
  writeMaildir,
  type AgentSession,
  type Running,
  type SampleMessage,
} from '@airlock/testkit';
import type { CallResult } from '@airlock/protocol';
import { join } from 'node:path';
import t from 'tap';

const CODE = '482913';
const RESET = 'Zx81kQ0pLm55Tt3vBn20';
const MESSAGES: readonly SampleMessage[] = [
  { subject: `${CODE} is your Example verification code`, body: `Enter ${CODE} to sign in. Your code expires in ten minutes.` },
  {
    subject: 'Reset your password',
    body: `Reset your password here: https://example.org/reset?token=${RESET}\n\nOr do nothing.`,
  },
  { subject: 'Order 551234 was shipped', body: 'Your order 551234 is on its way. https://example.org/orders/551234' },
].map((message) => ({ from: 'Example <no-reply@example.org>', date: 'Mon, 02 Nov 2026 08:00:00 +0000', ...message }));

let running: Running;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running, 'mail', MESSAGES);
  const shown = join(running.dir, 'shown.maildir');
  writeMaildir(shown, MESSAGES);
  const args = ['service', 'add', 'maildir', '--name', 'shown', '--set', `path=${shown}`, '--set', 'codes=shown', '--json'];
  const { status, stdout } = await running.command('airlock-ctl', args, { stdin: `${running.freshCode()}\n` });
  t.equal(status, 0, stdout);
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

/** Everything an agent can read of the mailbox. */
const readAll = async (service: string): Promise<string> => {
  const { lease } = await obtainLease(running, agent, [`${service}:read`]);
  const call = (operation: string, params: object): Promise<CallResult> =>
    agent.call<CallResult>('call', { lease, service, operation, params });
  const list = await call('list_messages', {});
  const { messages } = list.result as { messages: readonly { id: string }[] };
  t.equal(messages.length, MESSAGES.length);
  const whole = await Promise.all(messages.map(({ id }) => call('get_message', { id })));
  return JSON.stringify([list, ...whole]);
};

t.test('codes and links are withheld by default, in lists and in messages; the rest of the mail stays', async (t) => {
  const text = await readAll('mail');
  t.notOk(text.includes(CODE) || text.includes(RESET));
  t.match(text, /\[withheld: one-time code\] is your Example verification code/);
  t.match(text, /https:\/\/example\.org\/\[withheld: sign-in link\]/);
  t.match(text, /order 551234 is on its way\. https:\/\/example\.org\/orders\/551234/, 'negative control');
});

t.test('the operator may show them for a service', async (t) => {
  const text = await readAll('shown');
  t.ok(text.includes(CODE) && text.includes(RESET));
});
