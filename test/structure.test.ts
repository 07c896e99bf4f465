// Holds the structure of the repository to architecture.md, style.md and docs/dependencies.md.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const at = (...parts: string[]): string => join(root, ...parts);
const read = (...parts: string[]): string => readFileSync(at(...parts), 'utf8');

/** Package folder → workspace packages and third-party modules its source may import. */
const IMPORTS: Readonly<Record<string, { readonly ours: readonly string[]; readonly theirs: readonly string[] }>> = {
  protocol: { ours: [], theirs: [] },
  lease: { ours: ['protocol'], theirs: [] },
  vault: { ours: ['protocol'], theirs: ['@noble/ciphers', '@noble/hashes'] },
  audit: { ours: ['protocol'], theirs: [] },
  policy: { ours: ['protocol'], theirs: [] },
  guard: { ours: ['protocol'], theirs: ['ajv'] },
  ipc: { ours: ['protocol'], theirs: [] },
  totp: {
    ours: ['protocol', 'ipc', 'audit', 'lease', 'vault'],
    theirs: ['otplib', '@otplib', '@noble/ciphers', '@noble/hashes'],
  },
  export: { ours: ['protocol', 'ipc'], theirs: [] },
  presence: { ours: ['protocol', 'ipc'], theirs: [] },
  gateway: { ours: ['protocol', 'ipc', 'audit', 'lease', 'policy'], theirs: [] },
  cell: { ours: ['protocol', 'ipc', 'vault', 'guard'], theirs: [] },
  egress: { ours: ['protocol'], theirs: ['undici', 'ipaddr.js'] },
  'connectors/calendar': {
    ours: ['protocol', 'egress'],
    theirs: ['fast-xml-parser', 'ical.js', 'rrule-temporal', 'temporal-polyfill'],
  },
  'connectors/http': { ours: ['protocol', 'egress'], theirs: [] },
  // A server's words are neutralised where they are read: what a list holds has to be safe for everybody who shows it.
  'connectors/mcp': { ours: ['protocol', 'egress', 'guard'], theirs: [] },
  'connectors/mail': { ours: ['protocol'], theirs: ['node-imap', 'postal-mime', 'html-to-text'] },
  'mcp-host': { ours: [], theirs: [] },
  client: { ours: ['protocol', 'ipc', 'lease'], theirs: [] },
  mcp: { ours: ['protocol', 'client'], theirs: ['@modelcontextprotocol/server', 'ws', 'jsonc-parser', 'smol-toml', 'yaml'] },
  cli: { ours: ['client', 'mcp', 'protocol'], theirs: ['commander'] },
  ctl: { ours: ['protocol', 'ipc', 'audit', 'policy', 'vault'], theirs: ['commander', 'yaml', 'uqr'] },
  testkit: { ours: ['protocol', 'ipc', 'lease', 'vault', 'audit', 'client', 'ctl', 'totp', 'mcp-host', 'presence'], theirs: [] },
};

const filesBelow = (folder: string, suffix: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((file) => join(folder, file))
        .filter(
          (file) =>
            file.endsWith(suffix) && !file.includes('/dist/') && !file.includes('/node_modules/') && statSync(file).isFile(),
        )
    : [];

const sourceOf = (folder: string): string[] =>
  filesBelow(at('packages', folder, 'src'), '.ts').filter((file) => !file.endsWith('.d.ts'));
const allSource = Object.keys(IMPORTS).flatMap(sourceOf);

const IMPORT_FORMS = [
  /^(?:import|export)\b[^'"`]*?\bfrom '([^']+)'/gm,
  /^import '([^']+)'/gm,
  /\bimport\('([^']+)'\)/g,
  /\brequire\('([^']+)'\)/g,
];

/** Module specifiers of a file that are no paths. */
const importsOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8');
  return IMPORT_FORMS.flatMap((form) => [...text.matchAll(form)].map(([, name]) => name ?? '')).filter(
    (name) => !name.startsWith('.'),
  );
};

/** The package a module specifier belongs to. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const isAllowed = (folder: string, specifier: string): boolean => {
  if (specifier.startsWith('node:')) return true;
  const rule = IMPORTS[folder] ?? { ours: [], theirs: [] };
  const name = packageOf(specifier);
  if (name.startsWith('@airlock/')) return rule.ours.includes(name.slice('@airlock/'.length));
  return rule.theirs.some((one) => one === name || name.startsWith(`${one}/`));
};

t.test('a package imports only what the table of architecture.md gives it', async (t) => {
  for (const folder of Object.keys(IMPORTS)) {
    const bad = sourceOf(folder).flatMap((file) =>
      importsOf(file)
        .filter((name) => !isAllowed(folder, name))
        .map((name) => `${file}: ${name}`),
    );
    t.same(bad, [], folder);
  }
  t.equal(isAllowed('gateway', '@airlock/vault'), false, 'negative control: the gateway may not open records');
});

t.test('what a package imports is declared in its package.json, and the other way round', async (t) => {
  for (const folder of Object.keys(IMPORTS)) {
    const manifest = JSON.parse(read('packages', folder, 'package.json')) as { dependencies?: Record<string, string> };
    const declared = Object.keys(manifest.dependencies ?? {}).sort();
    const used = [
      ...new Set(
        sourceOf(folder)
          .flatMap(importsOf)
          .filter((name) => !name.startsWith('node:'))
          .map(packageOf),
      ),
    ].sort();
    t.same(
      used.filter((name) => !declared.includes(name)),
      [],
      `${folder} imports nothing undeclared`,
    );
    t.same(
      declared.filter((name) => !used.includes(name)),
      [],
      `${folder} declares nothing unused`,
    );
  }
});

t.test('every folder below packages is in the table', async (t) => {
  const folders = readdirSync(at('packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'connectors')
    .map(({ name }) => name);
  const connectors = readdirSync(at('packages/connectors')).map((name) => `connectors/${name}`);
  t.same([...folders, ...connectors].sort(), Object.keys(IMPORTS).sort());
});

t.test('source files stay within style.md', async (t) => {
  const lengths = allSource.map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length - 1 }));
  t.same(
    lengths.filter(({ lines }) => lines > 300),
    [],
    'no file over 300 lines',
  );
  const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  t.ok(median <= 110, `median of ${median} lines is at most 110`);
  for (const file of allSource) {
    const text = readFileSync(file, 'utf8');
    t.notMatch(text, /: any\b|<any>|as any\b|@ts-ignore|@ts-expect-error|^enum |export default/m, `${file} has no escape hatch`);
    t.notMatch(text, /\b(?:TODO|FIXME|XXX)\b/, `${file} is finished`);
  }
  t.same(
    allSource.filter((file) => /\/(?:utils|helpers|common|manager)\.ts$/.test(file)),
    [],
    'names say what is inside',
  );
});

t.test('source never imports test code', async (t) => {
  const bad = allSource.filter(
    (file) => !file.includes('/testkit/') && /from '[^']*(?:\/test\/|@airlock\/testkit)/.test(readFileSync(file, 'utf8')),
  );
  t.same(bad, []);
});

t.test('production bundles contain no development override', async (t) => {
  const overrides = ['AIRLOCK_DEV_CLOCK_FILE', 'AIRLOCK_DEV_TOTP_SECRET_FILE'];
  const bundles = ['airlock-totp', 'airlock-gateway', 'airlock-cell', 'airlock-cell-watchdog', 'airlock-ctl', 'airlock'];
  for (const bundle of bundles) {
    const text = read('dist/lib', `${bundle}.cjs`);
    for (const override of overrides) t.notMatch(text, override, `${bundle} does not know ${override}`);
  }
  t.match(read('dist/lib/dev/airlock-totp.cjs'), 'AIRLOCK_DEV_TOTP_SECRET_FILE', 'negative control: the development bundle does');
});

t.test('bundles of the daemons carry no fetch and no WebAssembly of ours', async (t) => {
  for (const bundle of ['airlock-totp', 'airlock-gateway'])
    t.notMatch(read('dist/lib', `${bundle}.cjs`), /\bfetch\(|require\("(?:node:)?https?"\)/, bundle);
});

const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, { version?: string; link?: boolean; resolved?: string; dev?: boolean }>;
};
const numbers = (version: string): number[] => (version.split('-')[0] ?? '').split('.').map(Number);
const atLeast = (version: string, floor: string): boolean => {
  const [a, b] = [numbers(version), numbers(floor)];
  const first = a.findIndex((part, index) => part !== (b[index] ?? 0));
  return first < 0 || (a[first] ?? 0) > (b[first] ?? 0);
};

t.test('locked versions are at or above the floors of docs/dependencies.md', async (t) => {
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
  const floors = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| ≥ ([0-9.]+) \|/gm)];
  t.ok(floors.length >= 10, 'the document names floors');
  for (const [, name = '', floor = ''] of floors) {
    const found = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
    t.ok(found.length > 0, `${name} is locked`);
    // What only a development tool brings along is not what the product runs on.
    const runs = found.filter(([path, { dev }]) => dev !== true || (path === `node_modules/${name}` && name in devDependencies));
    for (const [path, { version = '0' }] of runs) t.ok(atLeast(version, floor), `${path} ${version} ≥ ${floor}`);
  }
  t.notOk(atLeast('8.20.0', '8.21.0'), 'negative control');
});

t.test('every direct third-party dependency is exact and has its line in docs/dependencies.md', async (t) => {
  const document = read('docs/dependencies.md');
  const manifests = ['package.json', ...Object.keys(IMPORTS).map((folder) => `packages/${folder}/package.json`)];
  for (const file of manifests) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(read(file)) as Record<string, Record<string, string>>;
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      t.match(version, /^\d+\.\d+\.\d+(?:-alpha\.\d+)?$/, `${file}: ${name} is pinned exactly`);
      if (!name.startsWith('@airlock/')) t.match(document, `\`${name}\``, `${name} is documented`);
    }
  }
});

t.test('the lockfile names no registry', async (t) => {
  t.same(
    Object.entries(lock.packages).filter(([, { resolved = '', link }]) => link !== true && resolved.startsWith('http')),
    [],
  );
});

t.test('the top level holds what CONTRIBUTING.md says and nothing else', async (t) => {
  const expected = [
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'bench',
    'docs',
    'eslint.config.js',
    'install.sh',
    'package-lock.json',
    'package.json',
    'packages',
    'policies',
    'systemd',
    'test',
    'tsconfig.base.json',
  ];
  const found = readdirSync(root).filter((name) => !name.startsWith('.') && name !== 'node_modules' && name !== 'dist');
  t.same(found.sort(), expected.sort());
});

t.test('every numbered MUST of the specifications is quoted by a test', async (t) => {
  const tests = [...filesBelow(at('test'), '.ts'), ...filesBelow(at('packages'), '.test.ts')]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  for (const file of readdirSync(at('docs/spec'))) {
    const ids = [...new Set([...read('docs/spec', file).matchAll(/\*\*([A-Z]+-\d+)\*\*/g)].map(([, id]) => id ?? ''))];
    const unquoted = ids.filter((id) => !new RegExp(`\\b${id}\\b`).test(tests));
    t.same(unquoted, [], file);
  }
});
