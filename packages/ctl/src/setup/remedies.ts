/**
 * What to do where a login was tried and failed. A connector says which of five things went wrong (`data.found`,
 * packages/protocol/src/connector.ts); the words are the manifest's or ours, never the server's.
 */
import { AirlockError, formatDestination, type ConnectorManifest, type Destination } from '@airlock/protocol';

const FOUND = ['bad_credentials', 'imap_disabled', 'no_network', 'tls', 'other'] as const;
type Found = (typeof FOUND)[number];

/** A login that failed, as far as it matters for what to do. */
export interface FailedLogin {
  readonly manifest: ConnectorManifest;
  readonly destination: Destination;
  /** The command that tries again. */
  readonly again: string;
}

const foundOf = (error: AirlockError): Found | null => FOUND.find((one) => one === error.data.found) ?? null;

export const isBadPassword = (error: unknown): boolean => error instanceof AirlockError && error.data.found === 'bad_credentials';

/** Whether the same may be tried once more after something was mended elsewhere. */
export const isFailedLogin = (error: unknown): error is AirlockError => error instanceof AirlockError && foundOf(error) !== null;

const pageOf = ({ credential }: ConnectorManifest): string => {
  const url = Object.values(credential.fields).find((field) => field.url !== undefined)?.url;
  return url === undefined ? '' : `; one is made at ${url}`;
};

const titleOf = ({ credential, title }: ConnectorManifest): string =>
  Object.values(credential.fields)[0]?.title.toLowerCase() ?? `credential of ${title}`;

const wordsOf = (found: Found, { manifest, destination }: FailedLogin): string => {
  const own = manifest.remedies?.[found];
  if (own !== undefined) return own;
  const where = formatDestination(destination);
  switch (found) {
    case 'bad_credentials':
      return `check the user name, and give the ${titleOf(manifest)} (not the password you sign in with)${pageOf(manifest)}`;
    case 'imap_disabled':
      return 'switch IMAP on in the settings of your mail provider';
    case 'no_network':
      return `${where} cannot be reached from here: check the network, the host name, and whether a firewall lets it through`;
    case 'tls':
      return `the certificate of ${where} is not valid for it: check the host name; a server of your own can be pinned with --set tlsPin=…`;
    case 'other':
      if ('path' in destination) return `check that ${destination.path} is there and of this kind, and that cells can read it`;
      return `${where} answered with something else than a login: check host, port and path`;
  }
};

/** The same error with what to do, and the command that tries again. Others are left as they are. */
export const withRemedy = (error: unknown, failed: FailedLogin): unknown => {
  if (!(error instanceof AirlockError)) return error;
  const found = foundOf(error);
  if (found === null) return error;
  return new AirlockError(error.code, error.message, {
    ...error.data,
    hint: `${wordsOf(found, failed)}; then: ${failed.again}`,
  });
};
