/**
 * Keys of signed notes, in the text forms of C2SP signed-note and of Go's sumdb/note:
 * public `name+hexid+base64(0x01 || key)`, private `PRIVATE+KEY+name+hexid+base64(0x01 || seed)`.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { AirlockError } from '@airlock/protocol';

/** C2SP signed-note, signature types: Ed25519. */
const ED25519 = 0x01;
/** RFC 8032 §5.1.5 and §5.1.6. */
const KEY_BYTES = 32;
const PRIVATE_PREFIX = 'PRIVATE+KEY+';
/** RFC 8410 §7 and §4: the DER in front of a raw Ed25519 key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface HeadVerifier {
  readonly name: string;
  /** 8 hexadecimal digits. */
  readonly keyId: string;
  readonly key: KeyObject;
}

export interface HeadSigner {
  readonly name: string;
  readonly keyId: string;
  readonly key: KeyObject;
  /** The public key's text form. */
  readonly publicKey: string;
}

const refuse = (what: string, field: string): AirlockError => new AirlockError('PARAMS_INVALID', `${field}: ${what}`, { field });

/** C2SP signed-note, format: not empty, no Unicode space, no plus; control characters would break the line. */

export const isKeyName = (name: string): boolean =>
  name.isWellFormed() && /^[^\s+\u0000-\u001f\u007f-\u009f]{1,200}$/u.test(name);

/** Strict RFC 4648 §4: what is not exactly what an encoder writes is null. */
export const decodeBase64 = (text: string): Buffer | null => {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
};

/** C2SP signed-note: SHA-256(name || LF || 0x01 || public key)[:4], hexadecimal. */
const keyIdOf = (name: string, raw: Uint8Array): string =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw]), 'hex').slice(0, 8);

const rawPublic = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);

const splitKey = (text: string, field: string): { name: string; keyId: string; raw: Buffer } => {
  const [, name = '', keyId = '', coded = ''] = /^([^+]*)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  if (!isKeyName(name)) throw refuse('not a key of the form name+id+base64', field);
  const bytes = decodeBase64(coded);
  if (bytes?.length !== KEY_BYTES + 1 || bytes[0] !== ED25519) throw refuse('not an Ed25519 key', field);
  return { name, keyId, raw: bytes.subarray(1) };
};

/** The public text form of a key. @throws PARAMS_INVALID for a name a note cannot carry. */
export const encodePublicKey = (name: string, key: KeyObject): string => {
  if (!isKeyName(name) || key.asymmetricKeyType !== 'ed25519')
    throw refuse('wants a name without spaces and plus, and an Ed25519 key', 'name');
  const raw = rawPublic(key);
  return `${name}+${keyIdOf(name, raw)}+${Buffer.concat([Buffer.of(ED25519), raw]).toString('base64')}`;
};

/** Reads the public text form; the id must be the key's own. @throws PARAMS_INVALID. */
export const parsePublicKey = (text: string): HeadVerifier => {
  const { name, keyId, raw } = splitKey(text, 'publicKey');
  if (keyIdOf(name, raw) !== keyId) throw refuse('the key id does not belong to name and key', 'publicKey');
  return { name, keyId, key: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' }) };
};

/** Reads the private text form. The message never repeats it. @throws PARAMS_INVALID. */
export const parsePrivateKey = (text: string): HeadSigner => {
  if (!text.startsWith(PRIVATE_PREFIX)) throw refuse('not a private key', 'privateKey');
  const { name, keyId, raw } = splitKey(text.slice(PRIVATE_PREFIX.length), 'privateKey');
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, raw]), format: 'der', type: 'pkcs8' });
  const publicKey = encodePublicKey(name, createPublicKey(key));
  if (publicKey.slice(name.length + 1, name.length + 9) !== keyId)
    throw refuse('the key id does not belong to name and key', 'privateKey');
  return { name, keyId, key, publicKey };
};

/** A new key pair in text form; `privateKey` is a secret. @throws PARAMS_INVALID for a bad name. */
export const generateHeadKey = (name: string): { privateKey: string; publicKey: string } => {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = encodePublicKey(name, pair.publicKey);
  const seed = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PKCS8_PREFIX.length);
  const coded = Buffer.concat([Buffer.of(ED25519), seed]).toString('base64');
  return { privateKey: `${PRIVATE_PREFIX}${publicKey.slice(0, name.length + 10)}${coded}`, publicKey };
};
