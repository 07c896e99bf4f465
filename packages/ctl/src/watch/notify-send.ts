/** notify-send of libnotify: an argument vector and no shell, no action, one id for each notification that is on display. */
import { execFile } from 'node:child_process';
import { AirlockError } from '@airlock/protocol';
import type { Notification } from './notification.js';

const PROGRAM = 'notify-send';
/** It speaks with a server on this machine. */
const TIMEOUT_MS = 10_000;
const ID = /^[0-9]{1,10}$/;

const missing = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'notify-send is not installed', { hint: 'sudo apt install libnotify-bin' });

const failed = (): AirlockError =>
  new AirlockError('UNAVAILABLE', 'notify-send failed', {
    hint: 'is a desktop with notifications running in this session? try: notify-send hello (libnotify 0.8 or later)',
  });

const run = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(PROGRAM, args, { env, timeout: TIMEOUT_MS }, (error, stdout) => {
      if (error === null) resolve(stdout.trim());
      else reject(error.code === 'ENOENT' ? missing() : failed());
    });
  });

/** @throws AirlockError UNAVAILABLE where it is not installed */
export const checkNotifySend = async (env: NodeJS.ProcessEnv): Promise<void> => {
  await run(['--version'], env);
};

/** notify-send reads C escapes in the body (g_strcompress): `\74b\76` of an agent would become markup behind our escaping. */
const literal = (body: string): string => body.replaceAll('\\', '\\\\');

/** @param replaces id of the one it takes the place of. */
export const notifyArguments = (
  { title, body, expireMs, isTransient }: Notification,
  replaces: string | null,
): readonly string[] => [
  '--app-name=Airlock',
  '--icon=dialog-password',
  `--urgency=${isTransient ? 'low' : 'critical'}`,
  `--expire-time=${expireMs}`,
  ...(isTransient ? ['--transient'] : []),
  '--print-id',
  ...(replaces === null ? [] : [`--replace-id=${replaces}`]),
  '--',
  title,
  literal(body),
];

/** @returns the server's id of the notification, null where it gave none. @throws AirlockError UNAVAILABLE */
export const sendNotification = async (
  env: NodeJS.ProcessEnv,
  notification: Notification,
  replaces: string | null,
): Promise<string | null> => {
  const id = await run(notifyArguments(notification, replaces), env);
  return ID.test(id) ? id : null;
};
