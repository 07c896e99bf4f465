// Attack: a package that root installs for an upstream MCP server runs something, takes another place, or leaves a program that runs
// as root. UPSTREAM-14.
import { checkout } from '@airlock/testkit';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const BUNDLE = join(checkout, 'dist/lib/airlock-ctl.cjs');

interface Place {
  readonly dir: string;
  readonly packages: string;
  /** `airlock-ctl mcp install` of a development instance. */
  readonly install: (what: string, env?: NodeJS.ProcessEnv) => Promise<{ readonly status: unknown; readonly said: string }>;
}

const place = (t: Test): Place => {
  const dir = mkdtempSync(join(tmpdir(), 'package-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const state = join(dir, 'a', 'b');
  const known = { PATH: process.env['PATH'], HOME: dir, AIRLOCK_RUNTIME_DIR: join(state, 'run'), AIRLOCK_STATE_DIR: state };
  return {
    dir,
    packages: join(state, 'mcp'),
    install: (what, env = { npm_config_offline: 'true' }) =>
      new Promise((resolve) =>
        execFile(process.execPath, [BUNDLE, 'mcp', 'install', what], { env: { ...known, ...env } }, (error, out, err) =>
          resolve({ status: error?.code ?? 0, said: out + err }),
        ),
      ),
  };
};

/** A tarball as npm packs it. */
const tarball = (dir: string, manifest: object, files: Readonly<Record<string, number>> = {}): string => {
  const folder = join(dir, 'source', 'package');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  for (const [name, mode] of Object.entries({ 'index.js': 0o644, ...files })) {
    writeFileSync(join(folder, name), '#!/usr/bin/env node\n');
    chmodSync(join(folder, name), mode);
  }
  const file = join(dir, 'package.tgz');
  execFileSync('tar', ['-czf', file, '-C', join(dir, 'source'), 'package']);
  return file;
};

const MANIFEST = { name: 'evil', version: '1.0.0', bin: { evil: 'index.js' } };

t.test('nothing of it runs as its owner', async (t) => {
  const { dir, packages, install } = place(t);
  const { status, said } = await install(tarball(dir, MANIFEST, { suid: 0o4755, sgid: 0o2755 }));
  t.equal(status, 0, said);
  for (const name of ['suid', 'sgid'])
    t.equal(statSync(join(packages, 'evil@1.0.0/node_modules/evil', name)).mode & 0o7777, 0o755, name);
});

t.test('git, whose program a checkout may name, is not run for it', async (t) => {
  const { dir, packages, install } = place(t);
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), `#!/bin/sh\ntouch ${join(dir, 'trace')}\nexit 1\n`);
  chmodSync(join(bin, 'git'), 0o755);
  const file = tarball(dir, { ...MANIFEST, dependencies: { other: `git+file://${dir}/other` } });
  const { status, said } = await install(file, { PATH: `${bin}:${process.env['PATH'] ?? ''}` });
  t.not(status, 0);
  t.match(said, /what git has to fetch is not taken/);
  t.notOk(existsSync(join(dir, 'trace')));
  t.same(readdirSync(packages), []);
});

/** A registry whose word of a package is another than the package's own. */
const lyingRegistry = async (t: Test, file: string): Promise<string> => {
  const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  const server = createServer((req, res) => {
    if (req.url?.endsWith('.tgz') === true) return void res.end(readFileSync(file));
    const dist = { tarball: `${origin}/evil.tgz`, integrity };
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ name: 'evil', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { ...MANIFEST, dist } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return origin;
};

t.test('what it calls itself is no path', async (t) => {
  for (const own of [{ version: '1.0.0/../../../../victim' }, { name: 'evil/../../../../victim', version: '1' }]) {
    const { dir, packages, install } = place(t);
    const victims = [join(dir, 'victim'), join(dir, 'victim@1')];
    for (const victim of victims) {
      mkdirSync(victim);
      writeFileSync(join(victim, 'precious'), '');
    }
    const npm_config_registry = await lyingRegistry(t, tarball(dir, { ...MANIFEST, ...own }));
    const { said } = await install('evil', { npm_config_registry });
    for (const victim of victims) t.same(readdirSync(victim), ['precious'], said);
    t.ok(
      readdirSync(packages).every((name) => name === 'evil@1'),
      'at most where its real name says',
    );
  }
  const { dir, packages, install } = place(t);
  const { status, said } = await install('evil', { npm_config_registry: await lyingRegistry(t, tarball(dir, MANIFEST)) });
  t.equal(status, 0, said);
  t.same(readdirSync(packages), ['evil@1.0.0'], 'negative control');
});
