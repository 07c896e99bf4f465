/** Servers on this machine that end with the test. */
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AirlockError, type ErrorData, type Origin } from '@airlock/protocol';
import type { Test } from 'tap';
import { openEgress, type Egress, type EgressOptions } from '../src/index.js';

const listen = async (t: Test, server: Server & { closeAllConnections(): void }, host: string): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
};

export const serve = async (t: Test, answer: RequestListener): Promise<Origin> => {
  const port = await listen(t, createServer(answer), '127.0.0.1');
  return { scheme: 'http', host: '127.0.0.1', port };
};

export interface Certified {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly pin: string;
}

/** A certificate for svc.localhost that signs itself. */
export const certify = (): Certified => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-cert-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', cert, '-subj', '/CN=test', '-addext', 'subjectAltName=DNS:svc.localhost'],
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const texts = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  rmSync(dir, { recursive: true, force: true });
  const spki = new X509Certificate(texts.cert).publicKey.export({ type: 'spki', format: 'der' });
  return { ...texts, pin: createHash('sha256').update(spki).digest('hex') };
};

/** @returns the port */
export const serveTls = (t: Test, certified: Certified, answer: RequestListener): Promise<number> =>
  listen(t, createTlsServer(certified, answer), '127.0.0.1');

export const open = (t: Test, options: EgressOptions): Egress => {
  const egress = openEgress(options);
  t.teardown(() => egress.close());
  return egress;
};

/** What an AirlockError says; the test fails where nothing is thrown. */
export const refusal = async (work: Promise<unknown>): Promise<ErrorData> => {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.data;
    throw thrown;
  }
  throw new Error('nothing was refused');
};
