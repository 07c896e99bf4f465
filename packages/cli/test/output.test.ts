// What a command prints goes somewhere, or it says so.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { MAIN } from './command.js';

const CTL = fileURLToPath(new URL('../../../../dist/lib/airlock-ctl.cjs', import.meta.url));

for (const command of [MAIN, CTL])
  t.test(`${command.replace(/.*[/]/, '')}: a full disk behind stdout is an error, a reader that went away is none`, async (t) => {
    const full = openSync('/dev/full', 'w');
    t.teardown(() => closeSync(full));
    const lost = spawnSync(process.execPath, [command, '--help'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
    t.match(lost, { status: 1, stderr: 'airlock: error: what was to be printed is lost: stdout cannot be written (ENOSPC)\n' });
    const pipe = `"${process.execPath}" "${command}" --help | (exec 0<&-); echo "\${PIPESTATUS[0]}"`;
    t.match(spawnSync('bash', ['-c', pipe], { encoding: 'utf8' }), { stdout: '0\n', stderr: '' });
    t.match(spawnSync(process.execPath, [command, '--help']), { status: 0 }, 'negative control');
  });
