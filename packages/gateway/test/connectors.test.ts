/** Kinds of services as they stand on disk: which are taken, which are refused and why. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceSummary } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { Catalogue } from '../src/connectors/catalogue.js';
import { GATEWAY_LIMITS } from '../src/limits.js';
import { MANIFEST, entry, refusalOf, startWorld } from './support/world.js';

const MIB = 1024 * 1024;
const manifest = (kind: string, title = 'A title'): string => JSON.stringify({ ...MANIFEST, kind, title });
const dirsOf = (t: Test): readonly [string, string] => {
  const dir = t.testdir({ first: {}, second: {} });
  return [join(dir, 'first'), join(dir, 'second')];
};

t.test('a kind that stands twice is taken from the first directory, and a directory that is not there holds none', async (t) => {
  const [first, second] = dirsOf(t);
  writeFileSync(join(first, 'one.json'), manifest('one', 'of the first'));
  writeFileSync(join(second, 'one.json'), manifest('one', 'of the second'));
  writeFileSync(join(second, 'two.json'), manifest('two'));
  const catalogue = new Catalogue([join(first, 'absent'), first, second]);
  t.equal(catalogue.find('one')?.manifest.title, 'of the first');
  t.same(
    catalogue.read().map(({ kind }) => kind),
    ['one', 'two'],
  );
  t.same(catalogue.problems, []);
});

t.test('a bad manifest is reported with what is wrong, and hinders no other', async (t) => {
  const [dir] = dirsOf(t);
  writeFileSync(join(dir, 'a-large.json'), ' '.repeat(MIB + 1));
  writeFileSync(join(dir, 'b-text.json'), 'kind: b-text');
  writeFileSync(join(dir, 'c-name.json'), manifest('another'));
  writeFileSync(join(dir, 'd-form.json'), JSON.stringify({ ...MANIFEST, kind: 'd-form', operations: 7 }));
  mkdirSync(join(dir, 'e-dir.json'));
  writeFileSync(join(dir, 'good.json'), manifest('good'));
  const catalogue = new Catalogue([dir]);
  t.match(catalogue.problems, [
    { file: join(dir, 'a-large.json'), problem: 'larger than 1 MiB' },
    { file: join(dir, 'b-text.json'), problem: 'not JSON' },
    { file: join(dir, 'c-name.json'), problem: 'it is of kind another, its name says c-name' },
    { file: join(dir, 'd-form.json'), problem: /the manifest\.operations/ },
    { file: join(dir, 'e-dir.json'), problem: 'EISDIR' },
  ]);
  t.same(
    catalogue.read().map(({ kind }) => kind),
    ['good'],
  );
});

t.test('manifests beyond the limit are reported and not taken', async (t) => {
  const [dir] = dirsOf(t);
  const count = GATEWAY_LIMITS.maxManifests + 1;
  for (let n = 0; n < count; n += 1) writeFileSync(join(dir, `k${1000 + n}.json`), manifest(`k${1000 + n}`));
  const catalogue = new Catalogue([dir]);
  const last = `k${1000 + count - 1}`;
  t.same(catalogue.problems, [{ file: join(dir, `${last}.json`), problem: 'too many manifests' }]);
  t.equal(catalogue.find(last), null);
  t.equal(catalogue.read().length, GATEWAY_LIMITS.maxManifests);
});

t.test('a kind that is added is found without a restart; a name that is none is not looked for', async (t) => {
  const [dir] = dirsOf(t);
  const catalogue = new Catalogue([dir]);
  t.equal(catalogue.find('late'), null);
  writeFileSync(join(dir, 'late.json'), manifest('late'));
  t.equal(catalogue.known('late'), null, 'not without a look');
  for (const name of ['../first/late', 'Late', '']) t.equal(catalogue.find(name), null, name);
  t.equal(catalogue.known('late'), null, 'nor was there one for these');
  t.equal(catalogue.find('late')?.manifest.kind, 'late');
  t.equal(catalogue.known('late')?.manifest.kind, 'late');
});

t.test('a service whose kind is not installed is none that an agent sees or calls', async (t) => {
  const gone = entry('gone').replace('"kind":"fake"', '"kind":"absent"');
  const world = await startWorld({
    prepare: ({ stateDir }) => writeFileSync(join(stateDir, 'vault/default/gone.json'), gone, { mode: 0o600 }),
  });
  t.teardown(() => world.stop());
  const agent = await world.agent();
  t.same(
    (await agent.call<ServiceSummary[]>('services.list')).map(({ service }) => service),
    ['mail'],
  );
  const { text } = world.totp.issue({ session: agent.session, scopes: ['gone:read'] });
  await world.settle();
  const call = agent.call('call', { lease: text, service: 'gone', operation: 'search', params: {} });
  t.match(await refusalOf(call), { code: 'SERVICE_UNKNOWN', message: 'there is no service gone' });
});
