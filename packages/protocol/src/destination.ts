/** The destination that is sealed with a credential (docs/spec/vault.md): the only origins, or the only path, it may be used for. */
import { digestOf, type Json } from './canonical.js';

export interface Origin {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** Lower-case hexadecimal SHA-256 of the certificate's SubjectPublicKeyInfo. */
  readonly tlsPin?: string;
}

export type Destination =
  | { readonly kind: string; readonly origins: readonly Origin[]; readonly user: string }
  | { readonly kind: string; readonly path: string; readonly user: string };

/** Lower-case hexadecimal SHA-256 of the canonical JSON. */
export const destinationDigest = (destination: Destination): string => digestOf(destination as unknown as Json);

/** As people read it: `imaps://imap.gmail.com:993 as ada@example.org`, or `file:///srv/mail`. */
export const formatDestination = (destination: Destination): string => {
  const where =
    'path' in destination ? `file://${destination.path}` : destination.origins.map(({ scheme, host, port }) => `${scheme}://${host}:${port}`).join(', ');
  return destination.user === '' ? where : `${where} as ${destination.user}`;
};
