/** Signed notes over any text (C2SP signed-note), for what is no head of a log: a key of its own, and a first line that says so. */
import { sign, verify } from 'node:crypto';
import { AirlockError } from '@airlock/protocol';
import { decodeBase64, parsePublicKey, type HeadSigner } from './note-key.js';

/** C2SP signed-note: 4 bytes of key id in front of the signature. */
const KEY_ID_BYTES = 4;

/** A note taken apart as `openssl` wants it. */
export interface NoteParts {
  /** The bytes that are signed. */
  readonly signed: Buffer;
  /** RFC 8032: 64 bytes. */
  readonly signature: Buffer;
}

/** @param text lines of well-formed text without an empty one, LF at the end. @returns the note. */
export const signText = (signer: HeadSigner, text: string): string => {
  if (!text.endsWith('\n') || text.includes('\n\n') || !text.isWellFormed())
    throw new TypeError('a note is lines of text, none of them empty');
  const signature = Buffer.concat([Buffer.from(signer.keyId, 'hex'), sign(null, Buffer.from(text), signer.key)]);
  return `${text}\n\u2014 ${signer.name} ${signature.toString('base64')}\n`;
};

/** Signed bytes and signature of a note with one signature, which this key made. @throws PARAMS_INVALID */
export const partsOfNote = (publicKey: string, note: string): NoteParts => {
  const { name, keyId, key } = parsePublicKey(publicKey);
  const split = note.lastIndexOf('\n\n');
  const prefix = `\u2014 ${name} `;
  const line = note.slice(split + 2, -1);
  const bytes = line.startsWith(prefix) && note.endsWith('\n') ? decodeBase64(line.slice(prefix.length)) : null;
  const signed = Buffer.from(note.slice(0, split + 1));
  const signature = bytes?.subarray(KEY_ID_BYTES) ?? Buffer.alloc(0);
  const isOurs = split >= 0 && bytes?.toString('hex', 0, KEY_ID_BYTES) === keyId && verify(null, signed, key, signature);
  if (!isOurs) throw new AirlockError('PARAMS_INVALID', `the note is not signed by ${name} alone`, { field: 'note' });
  return { signed, signature };
};

/** The key as PEM (RFC 8410), for tools that know no signed notes. @throws PARAMS_INVALID */
export const pemOfKey = (publicKey: string): string =>
  parsePublicKey(publicKey).key.export({ type: 'spki', format: 'pem' }).toString();
