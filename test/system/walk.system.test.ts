/** The README's walk, as a person of a new machine types it: every keystroke is the README's, every screen is kept. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { must, run, until, wait } from './machine.js';
import { openTerminal, type Terminal } from './terminal.js';
import { play, type Place, type Walker } from './walk.js';
import { blocksOf, settledScreen, type Block } from './walk-script.js';

const README = readFileSync('/checkout/README.md', 'utf8');
const GOLDEN = '/checkout/test/golden/walk';
/** run.sh takes new screens from here. */
const SCREENS = '/root/walk';
/** run.sh leaves it where new screens are wanted instead of a comparison. */
const isWriting = existsSync('/root/write-golden');
const GMAIL = '/srv/walk-gmail';
const PERIOD_S = 30;

const terminals = new Map<string, Terminal>();
let secret = '';
let recoveryCodes: string[] = [];
let lastStep = 0;

const codeOf = (step: number): Promise<string> => must(['oathtool', '--totp', '--base32', `--now=@${step * PERIOD_S}`, secret]);

const walker: Walker = {
  terminal: async (user) => {
    const open = terminals.get(user) ?? (await openTerminal(user));
    terminals.set(user, open);
    return open;
  },
  code: async (screen) => {
    secret = (/\b[A-Z2-7]{4}(?: [A-Z2-7]{4}){4,}\b/.exec(screen)?.[0] ?? secret).replaceAll(' ', '');
    // A person types what the phone shows, and waits for the next code where this one was used.
    while (Math.floor(Date.now() / 1000 / PERIOD_S) <= lastStep) await wait(200);
    lastStep = Math.floor(Date.now() / 1000 / PERIOD_S);
    return codeOf(lastStep);
  },
  recoveryCode: (screen) => {
    const shown = screen.match(/\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){2,}\b/g) ?? [];
    if (shown.length >= 10) recoveryCodes = [...shown];
    return recoveryCodes.shift() ?? 'no recovery code is left';
  },
};

const startGmail = async (): Promise<void> => {
  const script = '/checkout/test/dist/system/gmail-server.js';
  await must(['systemd-run', '--quiet', '--unit=walk-gmail', '/usr/local/bin/node', script, GMAIL]);
  if ((await until(() => existsSync(`${GMAIL}/ready`), 20_000)) === null) throw new Error('no mail server');
  writeFileSync('/etc/hosts', `${readFileSync('/etc/hosts', 'utf8')}\n127.0.0.1 imap.gmail.com\n`);
  // The cells of this machine trust the authority that says it is Gmail.
  mkdirSync('/etc/systemd/system/airlock-cell@.service.d', { recursive: true });
  writeFileSync(
    '/etc/systemd/system/airlock-cell@.service.d/walk.conf',
    `[Service]\nEnvironment=NODE_EXTRA_CA_CERTS=${GMAIL}/ca.pem\n`,
  );
};

const started = Date.now();
/** What Claude Code reads. */
interface ClaudeConfig {
  readonly mcpServers: { readonly airlock: { readonly command: string; readonly args: readonly string[] } };
}

const places = new Map<string, Place>();

const walk = (heading: string, slug: string, wanted: (block: Block) => boolean = () => true): void => {
  for (const block of blocksOf(README, heading).filter(wanted)) {
    t.test(`${heading}, ${block.number}: ${block.lines[0] ?? ''}`, { bail: true }, async (t) => {
      const screens = await play(block, walker, places);
      for (const [user, screen] of Object.entries(screens)) {
        const name = `${slug}-${String(block.number).padStart(2, '0')}-${user}.txt`;
        const kept = settledScreen(screen);
        writeFileSync(join(SCREENS, name), kept);
        const golden = existsSync(join(GOLDEN, name)) ? readFileSync(join(GOLDEN, name), 'utf8') : 'no golden screen';
        t.equal(kept, isWriting ? kept : golden, `the screen ${name}`);
      }
    });
  }
};

t.test('a machine with a mailbox at imap.gmail.com', async () => {
  mkdirSync(SCREENS, { recursive: true });
  await startGmail();
});
walk('The first hour', 'hour');
t.test('from clone to approved mail within the hour', async (t) => {
  const minutes = (Date.now() - started) / 60_000;
  t.ok(minutes < 60, `${minutes.toFixed(1)} minutes`);
  t.comment(`the first hour took ${minutes.toFixed(1)} minutes`);
});
walk('Set up an agent', 'agent');
t.test('what Claude Code was given is an MCP server', async (t) => {
  const { mcpServers } = JSON.parse(readFileSync('/home/bot/.claude.json', 'utf8')) as ClaudeConfig;
  const { command, args } = mcpServers.airlock;
  const client = ['/usr/local/bin/node', '/checkout/test/dist/system/mcp-client.js', command, ...args];
  const tools = (await must(client, { user: 'bot' })).split('\n');
  for (const name of ['airlock_status', 'airlock_request_access', 'airlock_list_emails', 'airlock_count_unread'])
    t.ok(tools.includes(name), name);
});
const isRemoval = ({ lines }: Block): boolean => lines.some((line) => line.includes('--uninstall'));
walk('When it goes wrong', 'wrong', (block) => !isRemoval(block));
// It denies what it asks for, which would make the operator name the match number of what follows.
t.test('the desktop shows what waits, and cannot approve it', async (t) => {
  const env = { AIRLOCK: 'sudo -u bot airlock' };
  const { status, stdout, stderr } = await run(['bash', '/checkout/test/system/notify.sh', 'gmail'], { user: 'ada', env });
  t.equal(status, 0, `${stdout}${stderr}`.slice(-1500) || 'notify.sh');
});
walk('When it goes wrong', 'wrong', isRemoval);
