/** A certificate for localhost and 127.0.0.1 that signs itself. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM; the certificate is also its own authority. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** Writes cert.pem and key.pem into a directory. */
export const makeCertificate = (directory: string): Certified => {
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const made = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  if (made.status !== 0) throw new Error('openssl could not make a certificate');
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
};

/** The same without a trace on the disk. */
export const certified = (): Certified => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-cert-'));
  try {
    return makeCertificate(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
