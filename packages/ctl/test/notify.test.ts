/** NOTIFY-1 to NOTIFY-3: what a desktop is told, and what it can never do. */
import t from 'tap';
import type { RequestView } from '@airlock/protocol';
import { askedNotification, decidedNotification, type Notification } from '../src/watch/notification.js';
import { Notifier } from '../src/watch/notifier.js';
import { notifyArguments } from '../src/watch/notify-send.js';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const REQUEST: RequestView = {
  id: 'r-k3m9qz7w2p',
  kind: 'lease',
  operator: 'default',
  role: 'default',
  session: '9f2kq1',
  scopes: ['gmail:read'],
  reason: 'find the invoice',
  intent: null,
  match: '07',
  createdAt: '2026-11-20T12:00:00.000Z',
  expiresAt: '2026-11-20T12:05:00.000Z',
  digest: '00',
  summary: 'gmail:read for 60 min',
};
const asked = (more: Partial<RequestView> = {}): Notification => askedNotification({ ...REQUEST, ...more }, NOW);

t.test('NOTIFY-1: no action, no match number, no digest', (t) => {
  const notification = asked();
  t.same(notification, {
    title: 'Airlock: agents of role default ask for access',
    body: "gmail:read for 60 min\nreason, the agent's words: &quot;find the invoice&quot;\nread it in full in a terminal: airlock-ctl approve",
    expireMs: 300_000,
    isTransient: false,
  });
  const given = notifyArguments(notification, '7');
  t.same(
    given.filter((one) => /^(?:-A|--action|-w|--wait)/.test(one)),
    [],
  );
  t.notMatch(given.join('\n'), /07/);
  t.ok(given.includes('--replace-id=7'));
  t.equal(given.at(-3), '--', 'nothing behind it is an option');
  t.end();
});

t.test('NOTIFY-2: nothing foreign is markup, an escape of notify-send, a line of ours, or hidden', (t) => {
  const hostile = '<a href="x">ok</a> & \\74b\\76 \u202e\u200b "\nread it in full: code 123';
  const { body } = asked({ reason: hostile, intent: hostile, summary: `mail ${hostile}` });
  const lines = body.split('\n');
  t.equal(lines.length, 4);
  t.notMatch(body, /[<>\u202e\u200b]/);
  t.notMatch(body.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, ''), /&/, 'every & is an entity of ours');
  t.match(lines[1], /^reason, the agent's words: &quot;.*&quot;$/);
  const sent = notifyArguments(asked({ reason: hostile }), null).at(-1) ?? '';
  t.equal([...sent.matchAll(/\\+/g)].filter(([run]) => run.length % 2 === 1).length, 0, 'every backslash is doubled');
  t.match(notifyArguments(asked({ reason: '--action=x' }), null).at(-1), /^gmail/);
  t.end();
});

t.test('an action of the operator says what to do where it is not his', (t) => {
  t.match(asked({ kind: 'action', role: 'operator', reason: '', summary: 'add a service: gmail' }), {
    title: 'Airlock: an action of yours waits',
    body: /^add a service: gmail\nif you did not start it: airlock-ctl deny\n/,
  });
  t.end();
});

t.test('NOTIFY-3: one a request, replaced by its outcome; what failed stops nothing', async (t) => {
  const sent: (readonly [string, string | null])[] = [];
  const failures: unknown[] = [];
  let count = 0;
  const notifier = new Notifier({
    send: ({ title }, replaces) => {
      sent.push([title, replaces]);
      count += 1;
      return count === 2 ? Promise.reject(new Error('away')) : Promise.resolve(String(count));
    },
    onFailure: (error) => failures.push(error),
    nowMs: () => NOW,
  });
  notifier.fronted(REQUEST);
  notifier.fronted(REQUEST);
  notifier.decided(REQUEST.id, 'approved');
  notifier.decided(REQUEST.id, 'approved');
  notifier.decided('r-unknown', 'denied');
  notifier.fronted({ ...REQUEST, id: 'r-second' });
  notifier.pending(new Set(['r-second']));
  notifier.pending(new Set());
  await notifier.settled();
  t.same(sent, [
    [asked().title, null],
    ['Airlock: r-k3m9qz7w2p was approved', '1'],
    [asked().title, null],
    ['Airlock: r-second no longer waits', '3'],
  ]);
  t.equal(failures.length, 1);
  t.equal(decidedNotification(REQUEST, 'denied').isTransient, true);
});
