// Every input that ever broke a parser is read again; a few more of each; and the fuzzer finds what is planted.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { fromRoot } from '../fire/packages.js';
import { judge } from './judge.js';
import { fuzz } from './run.js';
import { TARGETS, targetOf } from './targets/index.js';
import { PLANTED } from './targets/planted.js';

const VECTORS = fromRoot('test/fuzz/vectors/');

t.test('what once broke a parser does not any more', async (t) => {
  for (const name of existsSync(VECTORS) ? readdirSync(VECTORS) : [])
    for (const file of readdirSync(new URL(`${name}/`, VECTORS)))
      t.equal((await judge(targetOf(name), readFileSync(new URL(`${name}/${file}`, VECTORS)))).problem, null, `${name} ${file}`);
});

t.test('every seed of every parser is read without a problem', async (t) => {
  for (const target of TARGETS) {
    t.ok(target.seeds.length > 0, `${target.name} has seeds`);
    for (const seed of target.seeds) t.equal((await judge(target, seed)).problem, null, target.name);
  }
});

t.test('a promise that never settles is a problem each time, one that is late once is none', async (t) => {
  const hangs = targetOf('planted-hangs');
  t.equal((await judge(hangs, Buffer.from('{"tags":[]}'))).problem, 'does not settle within 20 ms');
  t.equal((await judge(hangs, Buffer.from('{}'))).problem, null);
  let turn = 0;
  const never = new Promise(() => undefined);
  const late = { ...hangs, run: (): Promise<unknown> => (turn++ === 0 ? never : Promise.resolve()) };
  t.equal((await judge(late, Buffer.of())).problem, null);
});

t.test('negative control: each planted defect is found, with an input that shows it', async (t) => {
  for (const { name } of PLANTED) {
    const { findings } = await fuzz(name, 5000, 1);
    t.ok(findings.length > 0, name);
    for (const { input, problem } of findings)
      if (name === 'planted-ends') t.match([problem, String(input)], [/^the thread ended before its time/, /tags/]);
      else t.equal((await judge(targetOf(name), input)).problem, problem);
  }
});
