/** CLIENTS-13: whose rights root edits a client's file with. */
import { chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ownersOnWay, strangerOnWay, type Looked } from '../src/config-file/owner.js';
import { clientHome } from './client-home.js';

const ADA = 1000;
const EVE = 1001;

/** A disk of these entries: `uid`, or `uid > target` for a link. */
const disk =
  (entries: Readonly<Record<string, string>>) =>
  (path: string): Looked | null => {
    const entry = entries[path];
    if (entry === undefined) return null;
    const [uid = '', target = null] = entry.split(' > ');
    return { uid: Number(uid), target };
  };

t.test('owners of every directory and link on the way, not of the file (CLIENTS-13)', async (t) => {
  const at = disk({
    '/': '0',
    '/home': '0',
    '/home/ada': '1000',
    '/home/ada/mcp.json': '1001',
    '/home/ada/out': '1000 > /etc',
    '/home/ada/round': '1000 > round',
    '/etc': '0',
    '/etc/mcp.json': '0',
    '/srv': '0',
    '/srv/in': '1001 > ../home/ada',
    '/srv/file': '1001',
  });
  t.same([...ownersOnWay('/home/ada/mcp.json', at)], [0, ADA]);
  t.same([...ownersOnWay('/home/ada/new/deep/mcp.json', at)], [0, ADA], 'as far as it is there');
  t.same([...ownersOnWay('/home/ada/out/mcp.json', at)], [0, ADA], 'a link out of the home is hers');
  t.same([...ownersOnWay('/srv/in/mcp.json', at)], [0, EVE, ADA]);
  t.same([...ownersOnWay('/srv/file', at)], [0], 'nobody else can replace a file in a directory of root');
  t.same([...ownersOnWay('/etc/mcp.json', at)], [0], 'negative control');
  t.throws(() => ownersOnWay('/home/ada/round', at), { code: 'CONFIG_INVALID' });
});

t.test('root stays root, becomes one other user, or refuses two (CLIENTS-13)', async (t) => {
  t.equal(strangerOnWay('/x', new Set([0])), null);
  t.equal(strangerOnWay('/x', new Set([0, ADA])), ADA);
  t.throws(() => strangerOnWay('/x', new Set([0, ADA, EVE])), { code: 'CONFIG_INVALID', data: { hint: /nothing was written/ } });
});

const NOBODY = 65_534;

/** As `sudo` would: only root can become another. */
const asRoot = (name: string, run: (t: Test) => Promise<void>): void => {
  if (process.geteuid?.() === 0) void t.test(name, run);
};

asRoot('as root in the home of another user nothing is written that they could not write (CLIENTS-13)', async (t) => {
  const home = clientHome(t);
  const away = t.testdir({ 'mcp.json': '{}' });
  chownSync(home.home, NOBODY, NOBODY);
  mkdirSync(home.at('.cursor'));
  chownSync(home.at('.cursor'), NOBODY, NOBODY);
  const connected = await home.mcp(['connect', 'cursor']);
  t.equal(connected.code, 0, connected.stderr);
  t.match(connected.stderr, /as nobody, whose place it is/);
  t.equal(statSync(home.at('.cursor/mcp.json')).uid, NOBODY);
  symlinkSync(away, home.at('.gemini'));
  const refused = await home.mcp(['connect', 'gemini']);
  t.not(refused.code, 0);
  t.notOk(existsSync(join(away, 'settings.json')), 'a link of theirs leads root nowhere');
  chownSync(away, 0, 0);
  writeFileSync(join(away, 'mine.json'), '{}', { mode: 0o644 });
  const own = await home.mcp(['connect', 'cursor', '--config', join(away, 'mine.json')]);
  t.equal(own.code, 0, `negative control: root's own place is root's: ${own.stderr}`);
});
