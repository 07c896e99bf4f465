/** What a soak runs against: a real Dovecot, a real aiosmtpd, a server of MCP; and what of them is in use. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  checkout,
  startAiosmtpd,
  startDovecot,
  startTestInstance,
  writeMaildir,
  type AiosmtpdServer,
  type DovecotServer,
  type Running,
} from '@airlock/testkit';
import { PRELOAD } from './preload.js';

export interface House {
  readonly running: Running;
  readonly dovecot: DovecotServer;
  readonly smtp: AiosmtpdServer;
  stop(): Promise<void>;
}

export const ROLES = ['one', 'two', 'three'] as const;
/** Two leases of a role at once, each with a cell for its mail and one for its tools. */
export const CELLS = 14;

/** Agents of a soak do more than any agent should, and its clock goes by hours; nothing of the record may be removed by its age. */
const YAML = `permissions:
  allow: [write]
audit: {retain_days: 36500}
anomalies: {calls_per_minute: 1000000, denials_per_5_minutes: 1000000, errors_per_minute: 1000000, unknown_ids_per_5_minutes: 10000, probed_scopes_per_5_minutes: 10000, codes_per_hour: 1000}
`;
const DRAFTS = 'namespace inbox {\n  mailbox Drafts {\n    auto = create\n    special_use = \\Drafts\n  }\n}\n';
const MCP_SERVER = join(checkout, 'packages/connectors/mcp/dist/test/hostile-server.js');

const add = async (running: Running, args: readonly string[], secret: string): Promise<void> => {
  const { status, stdout, stderr } = await running.command('airlock-ctl', ['service', 'add', ...args], {
    stdin: `${secret}${running.freshCode()}\n`,
  });
  if (status !== 0) throw new Error(`service add: ${stdout}${stderr}`);
};

const addServices = async (running: Running, dovecot: DovecotServer, smtp: AiosmtpdServer): Promise<void> => {
  const settings = {
    ...{ host: '127.0.0.1', port: dovecot.port, security: 'none', user: dovecot.user, from: 'ada@example.org' },
    ...{ smtpHost: '127.0.0.1', smtpPort: smtp.port, smtpSecurity: 'none' },
  };
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  await add(running, ['imap', '--name', 'mail', ...set, '--stdin', '--json'], `${dovecot.password}\n`);
  const program = [process.execPath, MCP_SERVER, 'none'];
  await add(running, ['mcp', '--name', 'tools', '--stdin', '--json', '--', ...program], '');
};

export const openHouse = async (): Promise<House> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-soak-'));
  writeFileSync(join(config, 'airlock.yaml'), YAML);
  const ends: (() => Promise<void> | void)[] = [() => rmSync(config, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const dovecot = await startDovecot((maildir) => writeMaildir(maildir), 'correct-horse', DRAFTS);
    ends.push(() => dovecot.stop());
    const smtp = await startAiosmtpd('none');
    ends.push(() => smtp.stop());
    const running = await startTestInstance({ roles: ROLES, cells: CELLS, config, preload: PRELOAD });
    ends.push(() => running.stop());
    await addServices(running, dovecot, smtp);
    return { running, dovecot, smtp, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

/** Subjects of the drafts on the server, as they are on its disk. */
export const draftSubjects = ({ dovecot }: House): string[] => {
  const text = execFileSync('find', [dovecot.directory, '-path', '*Drafts/*', '-name', '*,S=*'], { encoding: 'utf8' });
  return text
    .split('\n')
    .filter((path) => path !== '')
    .map((path) => /^Subject: (.*?)\r?$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '');
};

export const sentSubjects = ({ smtp }: House): string[] =>
  smtp.messages.map(({ data }) => /\r\nSubject: (.*?)\r\n/.exec(data)?.[1] ?? '');

const parentOf = (pid: number): number => {
  try {
    return Number(/\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};

/** The process that holds the sockets of both daemons, and the hosts of MCP servers with them. */
export const launcherOf = ({ running }: House): number => parentOf(running.pids.totp);

/** Servers of MCP that this house started and that still run. */
export const mcpServers = (house: House): number => {
  const launcher = launcherOf(house);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(Number(name)) === launcher);
  const lines = pids.map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  });
  return lines.filter((line) => line.includes(MCP_SERVER)).length;
};
