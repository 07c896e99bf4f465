/** Hints speak of methods, as the wire has them; whoever runs `airlock` has commands. The one place that translates. */
import { AirlockError } from '@airlock/client';

/** Names of the wire as they stand in hints → what to type instead. */
const COMMANDS: Readonly<Record<string, string>> = {
  'access.request': 'airlock request SERVICE --reason TEXT',
  'access.wait': 'airlock wait REQUEST',
  'access.claim': 'airlock claim',
  'access.status': 'airlock status',
  'access.release': 'airlock release',
  'services.list': 'airlock services',
  'tools.search': 'airlock services',
  'tools.describe': 'airlock services',
  'context.intent': '--intent (or AIRLOCK_INTENT)',
  'call.result': 'airlock result REQUEST',
};

const NAMES = new RegExp(`\\b(?:${Object.keys(COMMANDS).join('|').replaceAll('.', '\\.')})\\b`, 'g');

const waitText = (retryAfterMs: number | undefined): string =>
  retryAfterMs === undefined ? 'some time' : `${Math.ceil(retryAfterMs / 1000)} s`;

/** The hint with commands in place of methods, and a time in place of a field. */
export const commandHint = (hint: string, retryAfterMs?: number): string =>
  hint
    // Some hints say both already.
    .replaceAll(/(?:access\.request|call\.result), or (?=airlock re)/g, '')
    .replaceAll(NAMES, (name) => COMMANDS[name] ?? name)
    .replace('airlock services or airlock services', 'airlock services')
    .replace('the time named in retryAfterMs', waitText(retryAfterMs))
    .replaceAll(/\bparams\.(?=\w)/g, '')
    .replace('correct the field named in `field` and send again', 'correct what the message names, then run it again')
    .replace('send the operation with call', 'call it: airlock call SERVICE OPERATION');

/** The same error, with a hint that can be followed here. */
export const withCommandHint = (error: AirlockError): AirlockError => {
  const hint = commandHint(error.data.hint, error.data.retryAfterMs);
  return hint === error.data.hint ? error : new AirlockError(error.code, error.message, { ...error.data, hint });
};
