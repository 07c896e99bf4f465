/**
 * Where a session goes: the sealed origins alone, told apart by their scheme.
 *
 * MAIL-11 Only the sealed origin is dialled; settings that name another are refused.
 * MAIL-33 The same for SMTP; where no SMTP origin is sealed, nothing is sent.
 */
import { AirlockError, type ConnectorContext, type Origin } from '@airlock/protocol';
import { parseTarget, type Target } from './dial.js';

const SMTP = 'smtp-';

const originsOf = ({ destination }: ConnectorContext): readonly Origin[] => ('origins' in destination ? destination.origins : []);

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();

const asTarget = ({ scheme, host, port, tlsPin = '' }: Origin, prefix: string): Target => {
  const bare = unbracketed(host);
  return parseTarget(`${scheme.slice(prefix.length)}://${bare.includes(':') ? `[${bare}]` : bare}:${port}`, tlsPin);
};

type Setting = ConnectorContext['settings'][string] | undefined;

/** @throws AirlockError CONFIG_INVALID where settings name another server than was sealed */
const checkSettings = (target: Target, host: Setting, port: Setting): Target => {
  const isSame = unbracketed(String(host ?? target.host)) === unbracketed(target.host) && (port ?? target.port) === target.port;
  if (isSame) return target;
  throw new AirlockError('CONFIG_INVALID', 'settings and sealed destination name different servers', {
    hint: 'the operator can run: airlock-ctl credentials add SERVICE',
  });
};

/** @throws AirlockError CONFIG_INVALID */
export const imapTarget = (context: ConnectorContext): Target => {
  const origin = originsOf(context).find(({ scheme }) => !scheme.startsWith(SMTP));
  if (!origin) throw new AirlockError('CONFIG_INVALID', 'the sealed destination has no origin');
  return checkSettings(asTarget(origin, ''), context.settings['host'], context.settings['port']);
};

/** @throws AirlockError CONFIG_INVALID where none is sealed */
export const smtpTarget = (context: ConnectorContext): Target => {
  const origin = originsOf(context).find(({ scheme }) => scheme.startsWith(SMTP));
  if (!origin)
    throw new AirlockError('CONFIG_INVALID', 'no mail server to send through is sealed with this account', {
      hint: 'the operator can add the service again with --set smtpHost=HOST',
    });
  const { smtpHost, smtpPort } = context.settings;
  return checkSettings(asTarget(origin, SMTP), smtpHost, smtpPort);
};
