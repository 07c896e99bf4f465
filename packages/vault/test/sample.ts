/** One vault, one credential and fixed randomness, for every test of this package. */
import { AirlockError, destinationDigest, parseOrigin } from '@airlock/protocol';
import {
  asDek,
  asTotpSecret,
  asVaultRoot,
  deriveKek,
  type Fields,
  headerBytes,
  type Kek,
  type KekSource,
  type RecordHeader,
  sealRecord,
  wrapDek,
} from '../src/index.js';

/** Bytes 0, 1, 2 …: distinct, and the same in every run. */
export const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index);

export const SOURCE: KekSource = {
  totpSecret: asTotpSecret(Buffer.alloc(20, 0x51)),
  root: asVaultRoot(Buffer.alloc(32, 0x52)),
  vaultId: 'AAECAwQFBgcICQoLDA0ODw',
  owner: 'default',
  service: 'gmail',
  epoch: 1,
};
export const kekOf = (change: Partial<KekSource> = {}): Kek => deriveKek({ ...SOURCE, ...change });

export const DESTINATION = destinationDigest({
  kind: 'gmail',
  origins: [parseOrigin('imaps://imap.gmail.com:993')],
  user: 'ada@example.org',
});
export const OTHER_DESTINATION = destinationDigest({
  kind: 'gmail',
  origins: [parseOrigin('imaps://imap.example.net:993')],
  user: 'ada@example.org',
});

export const header = (change: Partial<RecordHeader> = {}): RecordHeader => ({
  v: 1,
  vault: SOURCE.vaultId,
  owner: 'default',
  service: 'gmail',
  record: 'gmail',
  version: 3,
  epoch: 1,
  destination: DESTINATION,
  ...change,
});
export const FIELDS: Fields = { user: 'ada@example.org', password: 'correct horse ☂' };
export const DEK = asDek(Buffer.alloc(32, 0x44));

export interface Stored {
  readonly header: Buffer;
  readonly wrapped: Buffer;
  readonly body: Buffer;
}
/** A record as the gateway stores it. */
export const store = (change: Partial<RecordHeader> = {}, dek = DEK): Stored => {
  const sealed = sealRecord({ dek, header: header(change), fields: FIELDS, random: counting });
  const { owner, service, epoch } = header(change);
  return {
    ...sealed,
    wrapped: wrapDek({ kek: kekOf({ owner, service, epoch }), header: headerBytes(header(change)), dek, random: counting }),
  };
};

/** Code of the AirlockError thrown, or null where nothing is; anything else thrown is thrown on. */
export const codeOf = (action: () => unknown): string | null => {
  try {
    action();
    return null;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.code;
    throw thrown;
  }
};
