/** The test machine's mail server: started as a unit, with a password that stands nowhere else. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, run, until } from './machine.js';
import type { MailServerFacts } from './mail-server.js';

const DIRECTORY = '/root/mail';
const PASSWORD_FILE = '/root/mail-password';
const FACTS = join(DIRECTORY, 'facts.json');
const UNIT = 'test-mail';

/** The canary: drawn once for a machine. Letters and digits, so that no encoding hides it. */
export const password = (): string => {
  if (!existsSync(PASSWORD_FILE)) writeFileSync(PASSWORD_FILE, `canary${randomBytes(12).toString('hex')}`, { mode: 0o600 });
  return readFileSync(PASSWORD_FILE, 'utf8');
};

export const mailFacts = (): MailServerFacts => JSON.parse(readFileSync(FACTS, 'utf8')) as MailServerFacts;

export const startMail = async (): Promise<MailServerFacts> => {
  password();
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 });
  await run(['systemctl', 'stop', UNIT]);
  const script = '/checkout/test/dist/system/mail-server.js';
  const stampMs = Date.now();
  await must(['systemd-run', '--quiet', '--collect', `--unit=${UNIT}`, '/usr/local/bin/node', script, DIRECTORY, PASSWORD_FILE]);
  const fresh = (): boolean => (statSync(FACTS, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= stampMs;
  if ((await until(fresh, 20_000)) === null)
    throw new Error(`no mail server: ${await must(['journalctl', '-u', UNIT, '-n', '30', '--no-pager'])}`);
  return mailFacts();
};

/** Paths and bytes of everything in the maildir, but no times. */
export const mailboxDigest = (): string => {
  const { maildir } = mailFacts();
  const hash = createHash('sha256');
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(directory, entry.name);
      hash.update(`${path}\0`);
      if (entry.isDirectory()) walk(path);
      else hash.update(readFileSync(path));
    }
  };
  walk(maildir);
  return hash.digest('hex');
};

/** Every command that a client sent, in order. */
export const commandsOnTheWire = (): string[] => {
  const { log } = mailFacts();
  return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
};
