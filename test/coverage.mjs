// npm run coverage [-- --write] [--from DIR]: branches of the packages that decide, as their own tests reach them. One JSON line; --write puts it
// into docs/benchmarks.md; --from takes what NODE_V8_COVERAGE=DIR kept of tests that ran before. Programs that tests start are bundles in processes of their own, which V8's count of a test does not see.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['lease', 'vault', 'audit', 'policy', 'totp', 'gateway'];
const AT_ONCE = 2;
const root = fileURLToPath(new URL('..', import.meta.url));
const { orEnd } = await import(new URL('dist/fire/command.js', import.meta.url).href);
const { directory, flagsOf } = await import(new URL('dist/fire/flags.js', import.meta.url).href);
const { write, from } = orEnd(() => flagsOf(process.argv.slice(2), { write: 'switch', from: directory }));

const below = (folder, suffix) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(folder, name));

const files = PACKAGES.flatMap((name) => below(`packages/${name}/dist/test`, '.test.js')).filter(
  (name) => !name.includes('.system.'),
);
// Not the directory of the tests: the names of their sockets have 107 characters.
const kept = mkdtempSync(join(tmpdir(), 'ac-'));
const env = { ...process.env, NODE_V8_COVERAGE: from ?? join(kept, 'v8'), TAP_TIMEOUT: '900' };

const test = (file) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { cwd: root, env, stdio: ['ignore', 'ignore', 'ignore'] });
    child.on('exit', (status) => resolve(status === 0));
  });

const [date, started, before] = [new Date().toISOString(), performance.now(), loadavg()[0]];
const failed = [];
let next = 0;
const worker = async () => {
  for (let file = files[next++]; file !== undefined; file = files[next++]) {
    process.stderr.write(`coverage: ${next} of ${files.length}: ${file}\n`);
    if (!(await test(file))) failed.push(file);
  }
};
if (from === undefined) await Promise.all(Array.from({ length: AT_ONCE }, worker));

const report = spawnSync(
  process.execPath,
  [
    ...['node_modules/c8/bin/c8.js', 'report', '--temp-directory', env.NODE_V8_COVERAGE, '--reports-dir', join(kept, 'out')],
    ...['--reporter', 'json', '--all', '--exclude', '**/generated/**'],
    ...PACKAGES.flatMap((name) => ['--include', `packages/${name}/dist/src/**/*.js`]),
  ],
  { cwd: root, encoding: 'utf8' },
);
if (report.status !== 0) {
  process.stderr.write(`airlock: error: c8: ${report.stderr}\n`);
  process.exit(1);
}
const counted = JSON.parse(readFileSync(join(kept, 'out/coverage-final.json'), 'utf8'));
rmSync(kept, { recursive: true, force: true });

/** Each branch of a file: where it begins, whether it was taken, whether it is the right side of a `??`. */
const branchesOf = ([file, { branchMap, b }]) => {
  const text = readFileSync(file, 'utf8');
  // Types alone: nothing runs there.
  if (/^export \{\};$/m.test(text)) return [];
  const lines = text.split('\n');
  return Object.entries(branchMap).flatMap(([key, { locations }]) =>
    locations.map(({ start }, n) => ({
      at: `${file.slice(root.length)}:${start.line}`,
      isTaken: b[key][n] > 0,
      isDefault: /^\s*\?\?/.test((lines[start.line - 1] ?? '').slice(Math.max(0, start.column))),
    })),
  );
};

const figures = {};
for (const name of PACKAGES) {
  const all = Object.entries(counted)
    .filter(([file]) => file.includes(`/packages/${name}/dist/src/`))
    .flatMap(branchesOf);
  const open = all.filter(({ isTaken }) => !isTaken);
  if (all.length === open.length) failed.push(`no branch of ${name} was taken`);
  const percent = Math.floor(((all.length - open.length) / all.length) * 1000) / 10;
  figures[name] = {
    branches: all.length,
    open: open.length,
    defaults: open.filter(({ isDefault }) => isDefault).length,
    percent,
  };
  for (const { at, isDefault } of open) process.stderr.write(`coverage: not covered: ${at}${isDefault ? ' (??)' : ''}\n`);
}

const run = {
  ...{ date, command: 'npm run coverage', node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length },
  ...{ memoryGb: Math.round(totalmem() / 2 ** 30), load: [before, loadavg()[0]].map((one) => Math.round(one * 100) / 100) },
  ...{ seconds: Math.round((performance.now() - started) / 1000), figures },
};
console.log(JSON.stringify({ coverage: 'branches', ...run }));
if (failed.length > 0) {
  process.stderr.write(
    `airlock: error: coverage: failed: ${failed.join(', ')}\nairlock: hint: what tests that fail reach is no figure; npm test\n`,
  );
  process.exit(1);
}
if (write) {
  const { keepRun, writeReport } = await import(new URL('../bench/dist/report/files.js', import.meta.url).href);
  keepRun('coverage', run);
  writeReport();
}
