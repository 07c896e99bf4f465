/** The key exchange on approve/OP.sock: a record is sealed, or opened, in this process. docs/spec/release.md */
import { AirlockError, FRAME, fromWireError, packBlobs, unpackBlobs, type SealedRecordText } from '@airlock/protocol';
import { asDek, fromSealedRecord, openRecord, parseHeader, sealRecord, toSealedRecord } from '@airlock/vault';
import type { Link } from './context.js';

const KEY_BYTES = 32;
const ANSWER_TIMEOUT_MS = 10_000;
const EMPTY = Buffer.alloc(0);

const refused = (payload: Buffer): AirlockError => {
  const error = unpackBlobs(payload, 0, 1)?.blobs[0];
  if (!error) return new AirlockError('INTERNAL', 'airlock-totp refused and its reason could not be read');
  return fromWireError(JSON.parse(error.toString('utf8')) as { message?: unknown; data?: unknown });
};

const malformed = (): AirlockError =>
  new AirlockError('INTERNAL', 'airlock-totp answered the key exchange in a form that is not known');

/** Sends one binary frame and waits for its answer. @throws AirlockError as it was refused */
export const exchange = (link: Link, type: number, payload: Buffer, answer: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new AirlockError('UNAVAILABLE', 'airlock-totp did not answer the key exchange')),
      ANSWER_TIMEOUT_MS,
    );
    link.onBinary = (got, bytes) => {
      clearTimeout(timer);
      if (got === answer) resolve(bytes);
      else reject(got === FRAME.REFUSED ? refused(bytes) : malformed());
    };
    link.sendBinary(type, payload);
  });

const ticketBytes = (ticket: string): Buffer => Buffer.from(ticket, 'base64url');

/** Seals `fields` under a key that airlock-totp draws for this ticket. @returns the record; the key is overwritten */
export const sealFields = async (
  link: Link,
  ticket: string,
  fields: Readonly<Record<string, string>>,
): Promise<SealedRecordText> => {
  const bytes = await exchange(link, FRAME.SEAL_KEY_REQUEST, packBlobs(EMPTY, ticketBytes(ticket)), FRAME.SEAL_KEY);
  const parts = unpackBlobs(bytes, KEY_BYTES, 2);
  const [header, wrapped] = parts?.blobs ?? [];
  if (!parts || !header || !wrapped) throw malformed();
  try {
    const sealed = sealRecord({ dek: asDek(parts.head), header: parseHeader(header), fields });
    return toSealedRecord({ ...sealed, wrapped });
  } finally {
    parts.head.fill(0);
    bytes.fill(0);
  }
};

/** Opens the sealed record of a service with the key that airlock-totp gives this connection. */
export const openFields = async (
  link: Link,
  ticket: string,
  service: string,
  text: SealedRecordText,
): Promise<Readonly<Record<string, string>>> => {
  const { header, wrapped, body } = fromSealedRecord(text);
  const bytes = await exchange(
    link,
    FRAME.OPEN_KEY_REQUEST,
    packBlobs(EMPTY, ticketBytes(ticket), header, wrapped),
    FRAME.OPEN_KEY,
  );
  if (bytes.length !== KEY_BYTES) throw malformed();
  try {
    return openRecord({ dek: asDek(bytes), header, body, expected: { service } }).fields;
  } finally {
    bytes.fill(0);
  }
};
