/** imap.gmail.com as the walk's machine sees it: Dovecot behind TLS on port 993. node gmail-server.js DIRECTORY */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Dovecot from '../../packages/testkit/src/dovecot.js';
import type * as Fixture from '../../packages/connectors/mail/test/mail-fixture.js';
import { startRecorder } from './imap-recorder.js';

const PACKAGES = new URL('../../../packages/', import.meta.url);
const [, , directory = ''] = process.argv;
const at = (name: string): string => join(directory, name);

const NAME = 'imap.gmail.com';
/** What the provider shows in groups of four; the spaces are no part of it. */
const APP_PASSWORD = 'abcdefghijklmnop';

const openssl = (...args: readonly string[]): void => {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
};

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of this machine, and the certificate it gives to the name. */
const makeCertificate = (): void => {
  openssl('req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=walk authority', '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', ...newKey, '-subj', `/CN=${NAME}`, '-keyout', at('key.pem'), '-out', at('request.pem'));
  writeFileSync(at('names'), `subjectAltName=DNS:${NAME}\n`);
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('names')];
  openssl('x509', '-req', '-in', at('request.pem'), ...signed, '-out', at('cert.pem'));
};

mkdirSync(directory, { recursive: true, mode: 0o755 });
makeCertificate();
const { startDovecot } = (await import(new URL('testkit/dist/src/dovecot.js', PACKAGES).href)) as typeof Dovecot;
const { fillMaildir } = (await import(new URL('connectors/mail/dist/test/mail-fixture.js', PACKAGES).href)) as typeof Fixture;
const dovecot = await startDovecot(fillMaildir, APP_PASSWORD);
const pair = { key: readFileSync(at('key.pem'), 'utf8'), cert: readFileSync(at('cert.pem'), 'utf8') };
await startRecorder(pair, 993, dovecot.port, at('commands.log'));
writeFileSync(at('ready'), '');
process.on('SIGTERM', () => void dovecot.stop().then(() => process.exit(0)));
