/** The machine's mail server, run as a unit: Dovecot with 500 messages behind the recorder. node mail-server.js DIRECTORY PASSWORD-FILE */
import { spawnSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type * as Dovecot from '../../packages/testkit/src/dovecot.js';
import type * as Fixture from '../../packages/connectors/mail/test/mail-fixture.js';
import { startRecorder } from './imap-recorder.js';

export interface MailServerFacts {
  readonly port: number;
  /** SHA-256 of the certificate's public key, as `tlsPin` takes it. */
  readonly pin: string;
  readonly maildir: string;
  readonly log: string;
}

const MAIL_TESTS = new URL('../../../packages/connectors/mail/dist/test/', import.meta.url);
const [, , directory = '', passwordFile = ''] = process.argv;
const at = (name: string): string => join(directory, name);

/** The same certificate and port after a reboot, since both are sealed with the credential. */
const identity = (): { key: string; cert: string } => {
  if (!existsSync(at('cert.pem'))) {
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=mail.test',
    ];
    const { status } = spawnSync('openssl', [...args, '-keyout', at('key.pem'), '-out', at('cert.pem')], { stdio: 'ignore' });
    if (status !== 0) throw new Error('openssl made no certificate');
  }
  return { key: readFileSync(at('key.pem'), 'utf8'), cert: readFileSync(at('cert.pem'), 'utf8') };
};

const pinOf = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

mkdirSync(directory, { recursive: true, mode: 0o700 });
const { startDovecot } = (await import(new URL('../../../../testkit/dist/src/dovecot.js', MAIL_TESTS).href)) as typeof Dovecot;
const { fillMaildir } = (await import(new URL('mail-fixture.js', MAIL_TESTS).href)) as typeof Fixture;
const dovecot = await startDovecot(fillMaildir, readFileSync(passwordFile, 'utf8').trim());
const pair = identity();
const before = existsSync(at('facts.json')) ? (JSON.parse(readFileSync(at('facts.json'), 'utf8')) as MailServerFacts).port : 0;
const server = await startRecorder(pair, before, dovecot.port, at('commands.log'));
const facts: MailServerFacts = {
  port: (server.address() as AddressInfo).port,
  pin: pinOf(pair.cert),
  maildir: dovecot.maildir,
  log: at('commands.log'),
};
writeFileSync(at('facts.new'), JSON.stringify(facts));
renameSync(at('facts.new'), at('facts.json'));
process.on('SIGTERM', () => void dovecot.stop().then(() => process.exit(0)));
