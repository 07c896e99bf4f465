// The manual as mandoc and groff read it; both have to be installed.
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const folder = join(checkout, 'docs/man');

const complaints = (file: string): string => {
  const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', file], { encoding: 'utf8' });
  const man = spawnSync('man', ['--warnings=w', '-l', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80' },
  });
  if (lint.error ?? man.error) throw new Error('mandoc and man-db have to be installed');
  return `${lint.stdout}${lint.stderr}${man.stderr}`;
};

t.test('mandoc and man accept every page', async (t) => {
  for (const name of readdirSync(folder)) t.equal(complaints(join(folder, name)), '', name);
});

t.test('negative control: a broken page is refused', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'manual-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const broken = join(dir, 'broken.1');
  writeFileSync(broken, readFileSync(join(folder, 'airlock.1'), 'utf8').replace('.SH "OPTIONS"', '.SS\n.XX "OPTIONS"'));
  t.not(complaints(broken), '');
});
