/** watch: a look that stays, on the terminal or as notifications on the desktop. */
import { AirlockError, systemTimers, type ShownRequest } from '@airlock/protocol';
import { approvePath, type Context } from '../context.js';
import { hintFor } from '../hints.js';
import { note, print } from '../output.js';
import { follow, followForEver, type EventParams, type Follower } from '../watch/follow.js';
import type { Outcome } from '../watch/notification.js';
import { Notifier } from '../watch/notifier.js';
import { checkNotifySend, sendNotification } from '../watch/notify-send.js';
import type { Command, Invocation } from './command.js';

const eventText = (method: string, params: EventParams): string => {
  const facts = Object.entries(params).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${new Date().toTimeString().slice(0, 8)}  ${method.padEnd(18)} ${facts.join(', ')}`;
};

const frontText = ({ text, needsMatch }: ShownRequest): string =>
  `${text}\n\napprove with: airlock-ctl approve${needsMatch ? ' --match NN' : ''}`;

/** Each new front in full, each decision and each end of a lease as a line. */
const printing = (context: Context): Follower => ({
  onEvent: (method, params) => print(context, { event: method, ...params }, eventText(method, params)),
  onPending: ({ front }) => front && print(context, { event: 'front', ...front }, frontText(front)),
  onConnected: () => {
    if (!context.json) note(context, 'airlock: watching; Ctrl-C ends this');
  },
});

const failureText = (error: unknown): string =>
  error instanceof AirlockError ? `${error.message}; ${hintFor(error)}` : 'a notification could not be shown';

/** NOTIFY-1: a desktop is told, and decides nothing. What it is not told is not written down either. */
const notifying = (context: Context): Follower => {
  const notifier = new Notifier({
    send: (notification, replaces) => sendNotification(context.env, notification, replaces),
    onFailure: (error) => note(context, `airlock: ${failureText(error)}`),
    nowMs: Date.now,
  });
  return {
    onEvent: (method, params) => {
      if (method === 'request.decided') notifier.decided(String(params['request']), params['status'] as Outcome);
      if (method === 'locked' && typeof params['alert'] === 'string') notifier.alert(params['alert']);
    },
    onPending: ({ front, waiting }) => {
      notifier.pending(new Set([...(front ? [front] : []), ...waiting].map(({ id }) => id)));
      if (front) notifier.fronted(front);
    },
    onConnected: () => note(context, 'airlock: notifying'),
  };
};

/** Until the connection ends, or Ctrl-C; with --notify until Ctrl-C. */
const watch = async (context: Context, { options }: Invocation): Promise<void> => {
  const path = approvePath(context);
  if (options['notify'] !== true) throw await follow(path, printing(context));
  await checkNotifySend(context.env);
  await followForEver(path, notifying(context), systemTimers, () =>
    note(context, 'airlock: airlock-totp does not answer; connecting again'),
  );
};

export const WATCH_COMMANDS: readonly Command[] = [
  {
    name: 'watch',
    summary: 'every request as it comes, every decision, every end; one JSON value a line with --json',
    flags: [{ flags: '--notify', summary: 'as notifications on the desktop instead, which cannot approve' }],
    run: watch,
  },
];
