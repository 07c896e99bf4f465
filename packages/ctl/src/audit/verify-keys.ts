/** Public keys that heads and exports are held against: `--key`, else those that root has kept. */
import { namesKey, parsePublicKey, parseSignedHead } from '@airlock/audit';
import { AirlockError } from '@airlock/protocol';
import type { Context } from '../context.js';
import { readSmall, unreadable } from './kept-heads.js';
import { keptKey, LOGS, type LogName } from './sources.js';

/** Names a key as text, by what it signs. @throws AirlockError where it is not known */
export type KeyOf = (name: LogName | 'export') => string;

export interface Keys {
  readonly of: KeyOf;
  /** Whether they were given: what the machine says of its keys is then of no account. */
  readonly areGiven: boolean;
}

const KEY = 'a public key, name+id+base64';
const NAMES: readonly string[] = [...LOGS, 'export'].map((name) => `airlock-${name}`);

interface GivenKey {
  readonly name: string;
  readonly key: string;
}

const refuse = (problem: string, expected: string, found: string, hint: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `--key: ${problem}`, { field: '--key', expected, found, hint });

const parseKey = (file: string): GivenKey => {
  const key = readSmall(file, '--key', KEY).trim();
  let name = '';
  try {
    name = parsePublicKey(key).name;
  } catch {
    throw unreadable('--key', file, KEY);
  }
  if (NAMES.includes(name)) return { name, key };
  throw refuse(
    `${file} is of ${name}, which signs nothing that is checked here`,
    NAMES.join(', '),
    name,
    'give copies of the files *.vkey in /etc/airlock/keys',
  );
};

/** Each counts, so of one name there is one. @throws AirlockError PARAMS_INVALID */
const parseKeys = (files: readonly string[]): readonly GivenKey[] => {
  const keys = files.map(parseKey);
  const twice = keys.find(({ name, key }) => keys.some((one) => one.name === name && one.key !== key));
  if (twice === undefined) return keys;
  throw refuse(`two keys of ${twice.name}`, 'one key of each log', twice.name, 'check by one, then by the other');
};

/** @throws AirlockError PARAMS_INVALID for a file that is no such key */
export const keysFor = (context: Context, files: readonly string[]): Keys => {
  const keys = parseKeys(files);
  const of: KeyOf = (log) => {
    if (keys.length === 0) return keptKey(context, log);
    const given = keys.find(({ name }) => name === `airlock-${log}`);
    if (given !== undefined) return given.key;
    throw refuse(
      `none is of ${log === 'export' ? '' : 'the log '}airlock-${log}`,
      `the key of airlock-${log}`,
      keys.map(({ name }) => name).join(', '),
      `give its key too: --key FILE, a copy of /etc/airlock/keys/${log}.vkey`,
    );
  };
  return { of, areGiven: keys.length > 0 };
};

/** The heads of this key's log. */
export const headsOf = (key: string, heads: readonly string[]): readonly string[] =>
  heads.filter((head) => parseSignedHead(head).origin === parsePublicKey(key).name);

/** AUDIT-33: why a log is not proven of which airlock-totp gives no head by the key that was given. */
export const foreignWhy = (key: string): string => {
  const { name, keyId } = parsePublicKey(key);
  return `no signed head that airlock-totp gives of it is by the key that was given (${name}+${keyId}): that is of another machine, or the record was written anew under another key`;
};

/** Those that say that they are by this key, rightly or not (AUDIT-21). */
export const headsBy = (key: string, heads: readonly string[]): readonly string[] => heads.filter((head) => namesKey(key, head));
