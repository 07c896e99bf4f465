/**
 * Signed heads: C2SP signed notes in the form of a C2SP checkpoint. The third line is the chain's hash,
 * not an RFC 6962 root (AUDIT-20).
 *
 * AUDIT-21 A note whose signature by a known key is wrong is refused whole; without one by a known key it says nothing.
 * AUDIT-22 What is not exactly what a signer writes (padding, zeros in front, CR, other lines) is refused.
 */
import { sign, verify } from 'node:crypto';
import { AirlockError } from '@airlock/protocol';
import { MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES } from './limits.js';
import { decodeBase64, isKeyName, parsePublicKey, type HeadSigner, type HeadVerifier } from './note-key.js';
import type { Head, SignedHead } from './types.js';

/** C2SP signed-note: 4 bytes of key id, then RFC 8032's 64. */
const SIGNATURE_BYTES = 68;
/** EM DASH, SPACE. */
const SIGNATURE_PREFIX = '\u2014 ';

interface SignatureLine {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Buffer;
}

interface ParsedNote {
  readonly head: SignedHead;
  readonly body: string;
  readonly signatures: readonly SignatureLine[];
}

const refuse = (what: string): AirlockError => new AirlockError('PARAMS_INVALID', `signed head: ${what}`, { field: 'head' });

const bodyOf = (origin: string, head: Head): string =>
  `${origin}\n${String(head.size)}\n${Buffer.from(head.hash, 'hex').toString('base64')}\n`;

/** Signs a head. @returns the note. @throws PARAMS_INVALID for an origin, size or hash that no note can carry. */
export const signHead = (signer: HeadSigner, origin: string, head: Head): string => {
  if (!isKeyName(origin)) throw refuse('the origin is empty, or has spaces or a plus');
  if (!Number.isSafeInteger(head.size) || head.size < 0 || !/^[0-9a-f]{64}$/u.test(head.hash))
    throw refuse('size or hash is malformed');
  const body = bodyOf(origin, head);
  const signature = Buffer.concat([Buffer.from(signer.keyId, 'hex'), sign(null, Buffer.from(body), signer.key)]);
  return `${body}\n${SIGNATURE_PREFIX}${signer.name} ${signature.toString('base64')}\n`;
};

const parseSignature = (line: string): SignatureLine => {
  const [name = '', coded = '', ...rest] = line.slice(SIGNATURE_PREFIX.length).split(' ');
  const bytes = decodeBase64(coded);
  if (!line.startsWith(SIGNATURE_PREFIX) || !isKeyName(name) || rest.length > 0 || bytes === null || bytes.length < 5)
    throw refuse('a malformed signature line');
  return { name, keyId: bytes.toString('hex', 0, 4), signature: bytes };
};

const parseBody = (body: string, note: string): SignedHead => {
  const [origin = '', size = '', coded = '', end, ...rest] = body.split('\n');
  const hash = decodeBase64(coded);
  if (!isKeyName(origin) || end !== '' || rest.length > 0) throw refuse('wants three lines: origin, size, hash');
  if (!/^(?:0|[1-9][0-9]{0,15})$/u.test(size) || !Number.isSafeInteger(Number(size))) throw refuse('a malformed size');
  if (hash?.length !== 32) throw refuse('a malformed hash');
  return { origin, size: Number(size), hash: hash.toString('hex'), note };
};

const parseNote = (note: string): ParsedNote => {
  if (note.length > MAX_NOTE_BYTES || !note.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/u.test(note) || !note.endsWith('\n'))
    throw refuse('too long, or not lines of text');
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw refuse('no signature');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) throw refuse('too many signatures');
  const body = note.slice(0, split + 1);
  return { head: parseBody(body, note), body, signatures: lines.map(parseSignature) };
};

/** Reads a signed note without checking a signature. @throws PARAMS_INVALID. */
export const parseSignedHead = (note: string): SignedHead => parseNote(note).head;

/** Whether a note has a signature that says it is by this key, rightly or not. @throws PARAMS_INVALID for a malformed note or key. */
export const namesKey = (publicKey: string, note: string): boolean => {
  const { name, keyId } = parsePublicKey(publicKey);
  return parseNote(note).signatures.some((line) => line.name === name && line.keyId === keyId);
};

/**
 * The head in a note that at least one of the public keys (text form) signed, and none of them wrongly (AUDIT-21).
 * @throws PARAMS_INVALID for a malformed note or key, a wrong signature, or none by these keys.
 */
export const verifySignedHead = (publicKeys: string | readonly string[], note: string): SignedHead => {
  const keys: HeadVerifier[] = (typeof publicKeys === 'string' ? [publicKeys] : publicKeys).map(parsePublicKey);
  const { head, body, signatures } = parseNote(note);
  let good = 0;
  for (const line of signatures) {
    const known = keys.find((key) => key.name === line.name && key.keyId === line.keyId);
    if (known === undefined) continue;
    const fits =
      line.signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(body), known.key, line.signature.subarray(4));
    if (!fits) throw refuse(`the signature of ${line.name} is wrong`);
    good += 1;
  }
  if (good === 0) throw refuse('no signature by a known key');
  return head;
};
