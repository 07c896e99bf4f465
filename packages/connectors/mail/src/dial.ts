/**
 * The one place that opens a connection.
 *
 * MAIL-11 Only the sealed origin is dialled; settings cannot name another.
 * MAIL-12 TLS is verified against the host name, or against the sealed key alone where there is one; 1.2 at least.
 * MAIL-13 Without encryption only a loopback peer is spoken to, and never is a credential sent elsewhere in the clear.
 * MAIL-14 Nothing that came before STARTTLS counts afterwards.
 */
import { AirlockError, sha256Hex } from '@airlock/protocol';
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import type { LookupFunction } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { LIMITS } from './limits.js';

export type Security = 'tls' | 'starttls' | 'none';

/** Where a session goes; made from the sealed destination alone. */
export interface Target {
  readonly security: Security;
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the certificate's SPKI, lower-case hexadecimal; empty: certificate authorities decide. */
  readonly tlsPin: string;
}

export interface DialOptions {
  readonly signal: AbortSignal;
  /** Name resolution of a test. */
  readonly lookup?: LookupFunction;
  /** Certificate authority of a test. */
  readonly ca?: string;
}

const SCHEMES: Readonly<Record<string, Security>> = { imaps: 'tls', tls: 'tls', starttls: 'starttls', none: 'none' };

/** @throws AirlockError CONFIG_INVALID where the origin is not `SCHEME://HOST:PORT` of a known scheme. */
export const parseTarget = (origin: string, tlsPin: string): Target => {
  const found = /^([a-z]+):\/\/(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(origin);
  const security = found?.[1] === undefined ? undefined : SCHEMES[found[1]];
  const host = found?.[2] ?? found?.[3];
  const port = Number(found?.[4]);
  if (security === undefined || host === undefined || port < 1 || port > 65535) {
    throw new AirlockError('CONFIG_INVALID', 'the sealed origin is no mail server', { expected: 'imaps://HOST:PORT' });
  }
  return { security, host, port, tlsPin };
};

export type FoundCause = 'bad_credentials' | 'imap_disabled' | 'no_network' | 'tls' | 'other';

/** @returns the error that a caller sees for a cause; nothing in it comes from the server. */
export const upstreamError = (found: FoundCause): AirlockError => {
  if (found === 'no_network') return new AirlockError('UNAVAILABLE', 'the mail server cannot be reached', { found });
  const messages = {
    bad_credentials: 'the mail server refused the user name or password',
    imap_disabled: 'the mail server says that IMAP is switched off for this account',
    tls: 'the mail server could not prove who it is',
    other: 'the mail server sent a refusal or something unreadable',
  };
  return new AirlockError('UPSTREAM_REFUSED', messages[found], { found });
};

/** The reason of an aborted signal: ours where it is one, else a timeout. */
export const abortError = (signal: AbortSignal): AirlockError =>
  signal.reason instanceof AirlockError
    ? signal.reason
    : new AirlockError('UPSTREAM_TIMEOUT', 'the mail server did not answer in time', { found: 'other' });

/** Whether a connected peer is this machine (MAIL-13). */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && (/^127\./.test(address) || address === '::1' || /^::ffff:127\./.test(address));

const spkiDigest = (certificate: Buffer): string =>
  sha256Hex(
    createPublicKey(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' })).export({
      type: 'spki',
      format: 'der',
    }),
  );

const settled = <S extends Socket>(socket: S, event: string, cause: FoundCause, signal: AbortSignal): Promise<S> =>
  new Promise((resolve, reject) => {
    const fail = (error: AirlockError): void => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(abortError(signal));
    const onError = (): void => fail(upstreamError(cause));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('close', onError);
    socket.once(event, () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('close', onError);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });

/** A connected socket, not encrypted yet. @throws AirlockError UNAVAILABLE, UPSTREAM_REFUSED (MAIL-13), UPSTREAM_TIMEOUT */
export const connectTarget = async (target: Target, options: DialOptions): Promise<Socket> => {
  const { lookup } = options;
  const socket = connectTcp({ host: target.host, port: target.port, noDelay: true, ...(lookup ? { lookup } : {}) });
  await settled(socket, 'connect', 'no_network', options.signal);
  if (target.security === 'none' && !isLoopback(socket.remoteAddress)) {
    socket.destroy();
    throw upstreamError('tls');
  }
  return socket;
};

/** With a pin the key decides and the authorities do not; the pin is compared before a byte is sent. */
export const encrypt = async (socket: Socket, target: Target, options: DialOptions): Promise<TLSSocket> => {
  const pinned = target.tlsPin !== '';
  const tlsOptions: ConnectionOptions = {
    socket,
    host: target.host,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: !pinned,
    ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  };
  const encrypted = await settled(connectTls(tlsOptions), 'secureConnect', 'tls', options.signal);
  if (pinned && spkiDigest(encrypted.getPeerCertificate().raw) !== target.tlsPin) {
    encrypted.destroy();
    throw upstreamError('tls');
  }
  return encrypted;
};

/** One line from the server before TLS; what follows it in the same packet is an injection and refused (MAIL-14). */
const plainLine = (socket: Socket, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    let held = '';
    const finish = (error: AirlockError | null, line = ''): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      socket.pause();
      if (!error) return resolve(line);
      socket.destroy();
      reject(error);
    };
    const onData = (bytes: Buffer): void => {
      held += bytes.toString('latin1');
      if (held.length > LIMITS.maxPlainGreetingBytes) return finish(upstreamError('tls'));
      const end = held.indexOf('\n');
      if (end >= 0) finish(end === held.length - 1 ? null : upstreamError('tls'), held.trimEnd());
    };
    const onClose = (): void => finish(upstreamError('other'));
    const onAbort = (): void => finish(abortError(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.resume();
  });

const startTls = async (socket: Socket, target: Target, options: DialOptions): Promise<TLSSocket> => {
  if (!/^\* OK/i.test(await plainLine(socket, options.signal))) throw upstreamError('tls');
  const answer = plainLine(socket, options.signal);
  socket.write('A0 STARTTLS\r\n');
  if (!/^A0 OK/i.test(await answer)) {
    socket.destroy();
    throw upstreamError('tls');
  }
  return encrypt(socket, target, options);
};

/**
 * Opens the connection, encrypted as the target says. After STARTTLS the server greets no more; `greeted` says so.
 * @throws AirlockError UNAVAILABLE (no_network), UPSTREAM_REFUSED (tls, other), UPSTREAM_TIMEOUT.
 */
export const dial = async (
  target: Target,
  options: DialOptions,
): Promise<{ readonly socket: Socket; readonly greeted: boolean }> => {
  const socket = await connectTarget(target, options);
  if (target.security === 'none') return { socket, greeted: false };
  if (target.security === 'tls') return { socket: await encrypt(socket, target, options), greeted: false };
  return { socket: await startTls(socket, target, options), greeted: true };
};
