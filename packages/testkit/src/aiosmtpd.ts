/** A private aiosmtpd on 127.0.0.1 for tests: another implementation of SMTP, which counts what it took. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { makeCertificate } from './certificate.js';
import type { SmtpMessage } from './smtp-double.js';

export interface AiosmtpdServer {
  readonly port: number;
  readonly certificate: string;
  /** In the order they were taken. */
  readonly messages: (SmtpMessage & { readonly isEncrypted: boolean })[];
  stop(): Promise<void>;
}

const PYTHON = '/usr/bin/python3';

/** Whether the Debian package python3-aiosmtpd is installed. */
export const hasAiosmtpd = (): boolean => spawnSync(PYTHON, ['-c', 'import aiosmtpd'], { stdio: 'ignore' }).status === 0;

const PROGRAM = `
import asyncio, base64, json, logging, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
directory, security, methods = sys.argv[1:4]
logging.disable(logging.WARNING)

class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 no such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({'from': envelope.mail_from, 'to': envelope.rcpt_tos, 'isEncrypted': session.ssl is not None or security == 'tls',
                          'data': base64.b64encode(envelope.original_content).decode()}), flush=True)
        return '250 OK'

def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b'ada' and data.password == b'correct-horse', handled=False)

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(directory + '/cert.pem', directory + '/key.pem')

def serve():
    return SMTP(Handler(), hostname='localhost', authenticator=authenticate, auth_required=True, auth_require_tls=security == 'starttls',
                auth_exclude_mechanism=['PLAIN'] if methods == 'LOGIN' else [], require_starttls=security == 'starttls',
                tls_context=context if security == 'starttls' else None)

async def main():
    server = await asyncio.get_running_loop().create_server(serve, '127.0.0.1', 0, ssl=context if security == 'tls' else None)
    print(json.dumps({'port': server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
`;

interface Printed {
  readonly port?: number;
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
  readonly isEncrypted: boolean;
}

/** User `ada`, password `correct-horse`; recipients called `nobody` are refused. */
export const startAiosmtpd = async (
  security: 'none' | 'tls' | 'starttls',
  methods: 'PLAIN' | 'LOGIN' = 'PLAIN',
): Promise<AiosmtpdServer> => {
  const directory = mkdtempSync(join(tmpdir(), 'airlock-smtp-'));
  const { cert } = makeCertificate(directory);
  writeFileSync(join(directory, 'serve.py'), PROGRAM);
  const child = spawn(PYTHON, ['-W', 'ignore', join(directory, 'serve.py'), directory, security, methods], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const messages: AiosmtpdServer['messages'] = [];
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('aiosmtpd did not start; it is the Debian package python3-aiosmtpd')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { port: given, data, ...message } = JSON.parse(line) as Printed;
      if (given === undefined) messages.push({ ...message, data: Buffer.from(data, 'base64').toString('latin1') });
      else resolve(given);
    });
  }).catch(async (thrown: unknown) => {
    await stop();
    throw thrown;
  });
  return { port, certificate: cert, messages, stop };
};
