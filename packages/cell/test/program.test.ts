/** The program as it is shipped: one CommonJS file for each thread; and what it says where it cannot start. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { TestCell } from './cell-process.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const compiled = (entry: string): string => join(root, 'packages/cell/dist/src', entry);

/** As packages/build.mjs bundles it. */
const bundle = (entry: string, outfile: string): void => {
  const banner = 'const __bundle_url = require("node:url").pathToFileURL(__filename).href;';
  execFileSync(join(root, 'node_modules/.bin/esbuild'), [
    compiled(entry),
    `--outfile=${outfile}`,
    '--bundle',
    '--platform=node',
    '--target=node20',
    '--format=cjs',
    '--log-level=error',
    '--define:import.meta.url=__bundle_url',
    `--banner:js=${banner}`,
  ]);
};

t.test('the bundle starts its watchdog from the file beside it', async (test) => {
  const program = join(test.testdir(), 'airlock-cell.cjs');
  bundle('dev/main.js', program);
  bundle('dev/main-watchdog.js', program.replace('.cjs', '-watchdog.cjs'));
  const cell = await TestCell.start({ program });
  test.teardown(() => cell.stop());
  const connection = await cell.opened();
  test.match(await connection.call('execute', { operation: 'echo', params: { text: 'x' } }), { result: { text: 'x' } });
  cell.totp.endReleases();
  test.equal((await cell.exited).signal, 'SIGKILL');
});

t.test('without the file of its watchdog the cell ends before it serves anything', async (test) => {
  const program = join(test.testdir(), 'airlock-cell.cjs');
  bundle('dev/main.js', program);
  const cell = await TestCell.start({ program });
  test.teardown(() => cell.stop());
  test.equal((await cell.exited).signal, 'SIGKILL');
});

t.test('the production bundle has no override of the clock', async (test) => {
  const program = join(test.testdir(), 'airlock-cell.cjs');
  for (const entry of ['main.js', 'main-watchdog.js']) {
    bundle(entry, program);
    test.notMatch(readFileSync(program, 'utf8'), /AIRLOCK_DEV/);
    bundle(`dev/${entry}`, program);
    test.match(readFileSync(program, 'utf8'), /AIRLOCK_DEV_CLOCK_FILE/, 'negative control');
  }
});

t.test('without exactly one socket called cell it says so', async (test) => {
  for (const env of [{}, { LISTEN_FDS: '1', LISTEN_FDNAMES: 'bridge' }, { LISTEN_FDS: '2', LISTEN_FDNAMES: 'cell:bridge' }]) {
    const { status, stderr } = spawnSync(process.execPath, [compiled('main.js')], { env, encoding: 'utf8' });
    test.equal(status, 1);
    test.match(stderr, /airlock-cell: .*socket/);
  }
});
