/** A private Dovecot on 127.0.0.1 for tests: own configuration, own directory, no system service touched. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificate.js';

export interface DovecotServer {
  readonly host: string;
  /** Plain and STARTTLS. */
  readonly port: number;
  readonly tlsPort: number;
  readonly user: string;
  readonly password: string;
  /** Certificate of the server, PEM; also its own authority. */
  readonly certificate: string;
  /** The maildir Dovecot serves; fill it before the first login. */
  readonly maildir: string;
  /** Where Dovecot's index files are: outside the maildir. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** Path of the binary, or null where Dovecot is not installed. */
export const dovecotBinary = (): string | null =>
  ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'].find((path) => existsSync(path)) ?? null;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Dovecot refuses to serve mail as root: as root the mail belongs to `nobody`. */
const account = (): Account => {
  const me = userInfo();
  return me.uid === 0 ? { name: 'nobody', uid: 65534, gid: 65534 } : { name: me.username, uid: me.uid, gid: me.gid };
};

const configuration = (
  directory: string,
  ports: readonly [number, number],
  mail: Account,
  password: string,
  more: string,
): string => {
  const service = process.getuid?.() === 0 ? '' : `default_internal_user = ${mail.name}\ndefault_login_user = ${mail.name}\n`;
  const chroot = process.getuid?.() === 0 ? '' : 'service anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}\n';
  return `${service}${chroot}
base_dir = ${directory}/run
state_dir = ${directory}/run
log_path = ${directory}/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = yes
ssl_cert = <${directory}/cert.pem
ssl_key = <${directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:${directory}/Maildir:INDEX=${directory}/index:CONTROL=${directory}/control
mail_max_userip_connections = 200
${more}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
  }
}
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=${mail.uid} gid=${mail.gid} home=${directory}/home
}
service imap-login {
  inet_listener imap {
    port = ${ports[0]}
  }
  inet_listener imaps {
    port = ${ports[1]}
    ssl = yes
  }
}
`;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });

const untilReady = async (port: number, child: ChildProcess, log: string): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await answers(port)) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`dovecot did not start: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : 'no log'}`);
};

const give = (path: string, mail: Account): void => {
  if (process.getuid?.() === 0) spawnSync('chown', ['-R', `${mail.uid}:${mail.gid}`, path]);
};

/**
 * Starts Dovecot for user `ada`.
 * @param fill writes the messages; called with the empty maildir before the server starts.
 * @param more lines for dovecot.conf
 */
export const startDovecot = async (
  fill: (maildir: string) => void,
  password = 'correct-horse',
  more = '',
): Promise<DovecotServer> => {
  const binary = dovecotBinary();
  if (binary === null) throw new Error('dovecot is not installed');
  const directory = mkdtempSync(join(tmpdir(), 'airlock-dovecot-'));
  chmodSync(directory, 0o755);
  const mail = account();
  for (const name of ['run', 'home', 'index', 'control', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp'])
    mkdirSync(join(directory, name));
  const { cert: certificate } = makeCertificate(directory);
  const maildir = join(directory, 'Maildir');
  fill(maildir);
  for (const name of ['home', 'index', 'control', 'Maildir']) give(join(directory, name), mail);
  if (process.getuid?.() === 0) chownSync(directory, 0, 0);
  const ports = [await freePort(), await freePort()] as const;
  writeFileSync(join(directory, 'dovecot.conf'), configuration(directory, ports, mail, password, more));
  const child = spawn(binary, ['-F', '-c', join(directory, 'dovecot.conf')], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await untilReady(ports[0], child, join(directory, 'dovecot.log'));
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    host: '127.0.0.1',
    port: ports[0],
    tlsPort: ports[1],
    user: 'ada',
    password,
    certificate,
    maildir,
    directory,
    stop,
  };
};
