/**
 * The one place that opens a connection.
 *
 * EGRESS-2  The literal, every looked-up address and the connected peer are checked; if one address is refused, all are.
 * EGRESS-7  The connection goes to an address that was checked, not to the name again.
 * EGRESS-8  TLS is verified against the sealed host, or against the sealed key alone where there is one; 1.2 at least.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, rootCertificates, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { sha256Hex, type AirlockError, type Origin } from '@airlock/protocol';
import { canonicalAddress, literalOf, refusedPlace, type Place } from './address.js';
import { abortError, refused, timedOut, unreachable } from './errors.js';
import { MORE_LIMITS } from './limits.js';
import type { LookedUp, Resolve } from './types.js';

export interface DialOptions {
  readonly signal: AbortSignal;
  readonly connectTimeoutMs: number;
  readonly resolve: Resolve;
  readonly ca: readonly string[];
}

/** The system's resolver, with /etc/hosts. */
export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true, verbatim: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

const HINTS: Readonly<Record<Place, string>> = {
  public: 'a name such as localhost must lead to this machine; correct the name resolution, or add the service by its full name',
  private: 'if this is meant, the operator can add the service with the address itself in the place of the name',
  loopback: 'if this is meant, the operator can add the service with localhost or the address itself in the place of the name',
  never: 'this kind of address is never connected to; correct the name resolution of the server',
};

const refuseAddress = (place: Place): AirlockError =>
  refused('address_refused', {
    hint: HINTS[place],
    expected: 'a public address, or a private one that was sealed as such',
  });

/** EGRESS-2. @throws AirlockError UPSTREAM_REFUSED where one of them may not be connected to. */
const checkAddresses = (origin: Origin, found: readonly LookedUp[]): readonly LookedUp[] => {
  for (const { address } of found) {
    const place = refusedPlace(origin.host, origin.scheme === 'https', address);
    if (place !== null) throw refuseAddress(place);
  }
  return found;
};

/** EGRESS-2, after the fact: whatever lies between us and the kernel, the peer is one that was checked. */
export const checkPeer = (peer: string | undefined, checked: readonly LookedUp[]): void => {
  const address = canonicalAddress(peer ?? '');
  if (address === null || !checked.some((one) => canonicalAddress(one.address) === address)) throw refuseAddress('never');
};

const isAirlockError = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'AirlockError';

const addressesOf = async (origin: Origin, { resolve, signal }: DialOptions): Promise<readonly LookedUp[]> => {
  const literal = literalOf(origin.host);
  if (literal !== null) return checkAddresses(origin, [{ address: literal, family: literal.includes(':') ? 6 : 4 }]);
  let found: readonly LookedUp[];
  try {
    found = await resolve(origin.host, signal);
  } catch (thrown) {
    if (signal.aborted) throw abortError(signal);
    throw isAirlockError(thrown) ? thrown : unreachable();
  }
  if (found.length === 0) throw unreachable();
  return checkAddresses(origin, found);
};

/** Answers net.connect with what was checked, so that nothing is looked up a second time (EGRESS-7). */
const pinned =
  (checked: readonly LookedUp[]): LookupFunction =>
  (_host, options, done) => {
    const [first] = checked;
    if (options.all === true) return done(null, [...checked]);
    done(null, first?.address ?? '', first?.family ?? 4);
  };

/** Resolves at `event`; whatever comes first instead ends the socket. */
const settled = <S extends Socket>(socket: S, event: string, failure: AirlockError, signal: AbortSignal): Promise<S> =>
  new Promise((resolve, reject) => {
    const release = (): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('close', onError);
    };
    const fail = (error: AirlockError): void => {
      release();
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(abortError(signal));
    const onError = (): void => fail(failure);
    // An error after the promise is settled is the reader's; this listener only keeps it from ending the process.
    socket.on('error', onError);
    socket.once('close', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once(event, () => {
      release();
      socket.off('error', onError);
      socket.on('error', () => undefined);
      resolve(socket);
    });
    if (signal.aborted) onAbort();
  });

const openTcp = async (origin: Origin, checked: readonly LookedUp[], signal: AbortSignal): Promise<Socket> => {
  const [only] = checked;
  const literal = literalOf(origin.host) === null ? undefined : only?.address;
  const socket = connectTcp({
    host: literal ?? origin.host,
    port: origin.port,
    noDelay: true,
    lookup: pinned(checked),
    autoSelectFamily: checked.length > 1,
    autoSelectFamilyAttemptTimeout: MORE_LIMITS.attemptTimeoutMs,
  });
  await settled(socket, 'connect', unreachable(), signal);
  try {
    checkPeer(socket.remoteAddress, checked);
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  }
  return socket;
};

const spkiDigest = (certificate: Buffer): string => {
  const { publicKey } = new X509Certificate(certificate);
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  return sha256Hex(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
};

/** With a pin the key decides and the authorities do not; the pin is compared before a byte is sent. */
const encrypt = async (socket: Socket, origin: Origin, { ca, signal }: DialOptions): Promise<TLSSocket> => {
  const isPinned = origin.tlsPin !== undefined;
  const literal = literalOf(origin.host);
  const options: ConnectionOptions = {
    socket,
    host: literal ?? origin.host,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: !isPinned,
    ...(literal === null ? { servername: origin.host.replace(/\.$/, '') } : {}),
    ...(ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] }),
  };
  const encrypted = await settled(connectTls(options), 'secureConnect', refused('tls'), signal);
  if (isPinned && spkiDigest(encrypted.getPeerCertificate().raw) !== origin.tlsPin) {
    encrypted.destroy();
    throw refused('tls');
  }
  return encrypted;
};

/** A signal that ends with the given one, or after connectTimeoutMs. */
const withConnectTimeout = (options: DialOptions): { readonly signal: AbortSignal; readonly release: () => void } => {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(abortError(options.signal));
  const timer = setTimeout(() => controller.abort(timedOut('connect')), options.connectTimeoutMs);
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  return {
    signal: controller.signal,
    release: () => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onAbort);
    },
  };
};

/** Rejects as soon as the signal ends: a resolver cannot be stopped, but need not be waited for. */
const orAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });

const openChecked = async (origin: Origin, options: DialOptions): Promise<Socket> => {
  const { signal } = options;
  const checked = await orAborted(addressesOf(origin, options), signal);
  return openTcp(origin, checked, signal);
};

/**
 * A connection to a sealed origin, encrypted where its scheme is https.
 * @throws AirlockError UPSTREAM_REFUSED (address_refused, tls), UPSTREAM_TIMEOUT, UNAVAILABLE (no_network).
 */
export const dial = async (origin: Origin, options: DialOptions): Promise<Socket> => {
  const { signal, release } = withConnectTimeout(options);
  try {
    const socket = await openChecked(origin, { ...options, signal });
    return origin.scheme === 'https' ? await encrypt(socket, origin, { ...options, signal }) : socket;
  } finally {
    release();
  }
};

/** The same without TLS of ours. @throws AirlockError as `dial`, but for tls */
export const dialPlain = async (origin: Origin, options: DialOptions): Promise<Socket> => {
  const { signal, release } = withConnectTimeout(options);
  try {
    return await openChecked(origin, { ...options, signal });
  } finally {
    release();
  }
};
