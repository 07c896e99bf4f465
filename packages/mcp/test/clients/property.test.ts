/** Random files: whatever stands in them, connecting adds one entry and disconnecting gives the same bytes back. */
import { AirlockError } from '@airlock/protocol';
import fc from 'fast-check';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import t from 'tap';
import { parse as parseYaml } from 'yaml';
import { connectEdit, disconnectEdit, type ClientName } from '../../src/clients/index.js';
import { launchOf, target } from './targets.js';

const RUNS = Number(process.env['AIRLOCK_PROPERTY_RUNS'] ?? 400);

type Noise = () => number;

const noiseOf = (numbers: readonly number[]): Noise => {
  let at = 0;
  return () => numbers[at++ % numbers.length] ?? 0;
};

interface Style {
  readonly comments: boolean;
  readonly trailing: boolean;
  readonly lineEnd: string;
}

/** White space and comments as nobody would write them. */
const gap = (noise: Noise, { comments, lineEnd }: Style): string => {
  const kinds = [
    '',
    ' ',
    '\t',
    lineEnd,
    `${lineEnd}  `,
    `${lineEnd}\t`,
    ' '.repeat(7),
    ...(comments ? ['/* , } */', `// "airlock": {${lineEnd}`] : []),
  ];
  return kinds[noise() % kinds.length] ?? '';
};

const write = (value: unknown, noise: Noise, style: Style): string => {
  const space = (): string => gap(noise, style);
  const list = (parts: readonly string[], open: string, close: string): string => {
    const comma = style.trailing && parts.length > 0 && noise() % 3 === 0 ? `,${space()}` : '';
    return `${open}${space()}${parts.join(`${space()},${space()}`)}${space()}${comma}${close}`;
  };
  if (Array.isArray(value))
    return list(
      value.map((one) => write(one, noise, style)),
      '[',
      ']',
    );
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}${space()}:${space()}${write(one, noise, style)}`,
  );
  return list(parts, '{', '}');
};

const key = fc
  .oneof(fc.string({ maxLength: 6 }), fc.constantFrom('a', 'mcp', 'command', 'constructor', 'ключ'))
  .filter((name) => !['airlock', 'mcpServers', '__proto__'].includes(name));
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, 0, -1.5e9, '', '}', '{"', '// x', '\u2028', 'ä'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const servers = fc.dictionary(key, tree, { maxKeys: 3 });
const file = fc
  .tuple(fc.dictionary(key, tree, { maxKeys: 3 }), fc.option(servers, { nil: undefined }), fc.boolean())
  .map(([root, container, isFirst]) => {
    if (container === undefined) return root;
    return isFirst ? { mcpServers: container, ...root } : { ...root, mcpServers: container };
  });
const noise = fc.array(fc.nat(1000), { minLength: 20, maxLength: 60 });

const JSON_CLIENTS: readonly (readonly [ClientName, Omit<Style, 'lineEnd'>])[] = [
  ['claude-code', { comments: false, trailing: false }],
  ['gemini', { comments: true, trailing: false }],
  ['cursor', { comments: true, trailing: true }],
];

const without = (value: unknown): unknown => {
  const root = structuredClone(value) as { mcpServers?: Record<string, unknown> };
  if (root.mcpServers) delete root.mcpServers['airlock'];
  if (root.mcpServers && Object.keys(root.mcpServers).length === 0) delete root.mcpServers;
  return root;
};

const check = (client: ClientName, text: string, parse: (text: string) => unknown, drop: (value: unknown) => unknown): void => {
  const there = target(client);
  const { change, text: after } = connectEdit(text, there, launchOf(client));
  if (change !== 'added' || after === null) throw new Error(`${change}: ${text}`);
  const [left, right] = [JSON.stringify(drop(parse(after))), JSON.stringify(drop(parse(text)))];
  if (left !== right) throw new Error(`others changed: ${left} ${right}`);
  const again = connectEdit(after, there, launchOf(client));
  if (again.change !== 'none') throw new Error('a second time changed it');
  const back = disconnectEdit(after, there, text).text;
  if (back !== text) throw new Error(`not given back: ${JSON.stringify([text, after, back])}`);
};

t.test('JSON and JSONC', async (test) => {
  for (const [client, style] of JSON_CLIENTS) {
    const parse = (text: string): unknown => parseJsonc(text, [], { allowTrailingComma: true });
    fc.assert(
      fc.property(file, noise, fc.constantFrom('\n', '\r\n'), fc.boolean(), (value, numbers, lineEnd, hasEnd) => {
        const text = write(value, noiseOf(numbers), { ...style, lineEnd }) + (hasEnd ? lineEnd : '');
        check(client, text, parse, without);
        // Without the backup an empty container cannot be told from none.
        const { mcpServers = { a: 1 } } = value as { mcpServers?: object };
        if (Object.keys(value).length === 0 || Object.keys(mcpServers).length === 0) return;
        const { text: after } = connectEdit(text, target(client), launchOf(client));
        const back = disconnectEdit(after ?? '', target(client), 'another').text;
        if (back !== text) throw new Error(`not given back without a backup: ${JSON.stringify([text, after, back])}`);
      }),
      { numRuns: RUNS },
    );
    test.pass(client);
  }
});

const TOML_PARTS = [
  'a = 1 # one\n',
  'b = [\n  1, # [mcp_servers.airlock]\n  "]",\n]\n',
  'c = """\n[mcp_servers.airlock]\ncommand = "x" \\""" more"""\n',
  "d = '''\n[mcp_servers.airlock]'''\n",
  'e = { f = { g = "}" } }\n\n\n',
  '# [mcp_servers.airlock]\n',
];
const TOML_TABLES = [
  '[mcp_servers.other]\ncommand = "npx" # keep\n',
  '[mcp_servers."airlock.x"]\ncommand = "y"\n',
  '  [ mcp_servers . third ]\n  args = [ ]\n',
  '[[list]]\nx = 1\n[[list]]\nx = 2\n',
  '[airlock]\nmcp_servers = 1\n',
  "['q\"t']\nz = 1979-05-27T07:32:00Z\n",
];
const YAML_PARTS = [
  'GOOSE_MODEL: x # c\n',
  'text: |\n  extensions:\n    airlock: 1\n\n',
  "q: 'a: b'\n",
  'list:\n- 1\n- {a: b}\n',
  '# extensions:\n',
  'n:\n',
];
const YAML_EXTENSIONS = [
  '',
  'extensions:\n  a:\n    cmd: x\n\n  # last\n',
  'extensions:\n    a: {cmd: x} # c\n    b:\n        envs: {}\n',
  'extensions: {}\n',
  'extensions: {a: {cmd: x}}\n',
  'extensions:\n',
  'extensions:\n  a:\n    text: |\n      x\n\n    n:\n',
];

const crlf = (text: string, lineEnd: string): string => text.replaceAll('\n', lineEnd);

const dropFrom =
  (container: string) =>
  (value: unknown): unknown => {
    const root = Object.entries((value ?? {}) as Record<string, Record<string, unknown> | null>);
    const inside = Object.entries(root.find(([name]) => name === container)?.[1] ?? {}).filter(([name]) => name !== 'airlock');
    return [root.filter(([name]) => name !== container), inside];
  };

t.test('TOML', async (test) => {
  const parts = fc.tuple(
    fc.shuffledSubarray(TOML_PARTS),
    fc.shuffledSubarray(TOML_TABLES),
    fc.boolean(),
    fc.constantFrom('\n', '\r\n'),
  );
  fc.assert(
    fc.property(parts, ([keys, tables, hasEnd, lineEnd]) => {
      const text = crlf([...keys, ...tables].join(''), lineEnd);
      check('codex', hasEnd ? text : text.trimEnd(), parseToml, dropFrom('mcp_servers'));
    }),
    { numRuns: RUNS },
  );
  test.pass();
});

t.test('YAML', async (test) => {
  const parts = fc.tuple(
    fc.shuffledSubarray(YAML_PARTS),
    fc.constantFrom(...YAML_EXTENSIONS),
    fc.nat(),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
  );
  fc.assert(
    fc.property(parts, ([all, extensions, at, lineEnd, hasEnd]) => {
      const place = at % (all.length + 1);
      const text = crlf([...all.slice(0, place), extensions, ...all.slice(place)].join(''), lineEnd);
      check('goose', hasEnd ? text : `${text}z: 1`, parseYaml, dropFrom('extensions'));
    }),
    { numRuns: RUNS },
  );
  test.pass();
});

t.test('an entry of ours anywhere in any JSON goes alone, and is brought up to date where it stands', async (test) => {
  const ours = { command: '/old/airlock', args: ['mcp'], env: { AIRLOCK_AGENT: 'x' } };
  for (const [client, style] of JSON_CLIENTS) {
    const parse = (text: string): unknown => parseJsonc(text, [], { allowTrailingComma: true });
    fc.assert(
      fc.property(servers, servers, file, noise, fc.constantFrom('\n', '\r\n'), (before, after, root, numbers, lineEnd) => {
        const value = { ...root, mcpServers: { ...before, airlock: ours, ...after } };
        const text = write(value, noiseOf(numbers), { ...style, lineEnd });
        const rest = JSON.stringify(without(value));
        for (const edit of [connectEdit(text, target(client), launchOf(client)), disconnectEdit(text, target(client), null)]) {
          const left = JSON.stringify(without(edit.text === null ? {} : parse(edit.text)));
          if (left !== rest) throw new Error(`${edit.change}: ${JSON.stringify([text, edit.text])}`);
        }
      }),
      { numRuns: RUNS },
    );
  }
  test.pass();
});

const SEEDS: readonly (readonly [ClientName, string])[] = [
  ['cursor', '{"mcpServers":{"a":{"b":[1,2]}},"z":"x"}\n'],
  ['cursor', '{\n // c\n "mcpServers": {\n "airlock": {"command":"/x/airlock","args":["mcp"]},\n },\n}\n'],
  ['codex', 'a = 1\n[mcp_servers.x]\ncommand="y"\nb=[1,\n2]\n[[l]]\n'],
  [
    'codex',
    '[mcp_servers.airlock]\ncommand="/x/airlock"\nargs=["mcp"]\n[mcp_servers.airlock.env]\nA="b"\n\n# c\n[z]\ns="""\na"""\n',
  ],
  ['goose', 'a: 1\nextensions:\n  x:\n    cmd: y # c\n  z: {a: b}\nb: |\n  t\n'],
  ['goose', 'extensions: {a: {cmd: x}, airlock: {cmd: /x/airlock, args: [mcp]}}\n'],
];
const BITS = [
  ...Array.from(`"'{}[],:#\n\t \\&*|>=.-?`),
  '\r\n',
  '//',
  '/*',
  '*/',
  'airlock',
  '"""',
  "'''",
  '---\n',
  '...\n',
  '[mcp_servers.airlock]\n',
  '\u0000',
  'é',
];
const cut = fc.tuple(fc.nat(200), fc.nat(4), fc.constantFrom('', ...BITS));

t.test('whatever is in a file: an answer, and if it is an edit, one that can be taken back', async (test) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SEEDS),
      fc.array(cut, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      ([client, seed], cuts, isForced) => {
        const text = cuts.reduce((rest, [at, length, put]) => rest.slice(0, at) + put + rest.slice(at + length), seed);
        const there = target(client, { isForced });
        try {
          const { change, text: after } = connectEdit(text, there, launchOf(client));
          if (connectEdit(after ?? '', there, launchOf(client)).change !== 'none') throw new Error('changed twice');
          const back = disconnectEdit(after ?? '', there, text).text;
          if (change === 'added' && back !== text) throw new Error(`not given back: ${JSON.stringify([text, after, back])}`);
        } catch (thrown) {
          if (!(thrown instanceof AirlockError) || thrown.code === 'INTERNAL') throw thrown;
        }
      },
    ),
    { numRuns: RUNS * 5 },
  );
  test.pass();
});

t.test('negative control: a lost entry is seen', async (test) => {
  test.not(
    JSON.stringify(without({ mcpServers: { a: 1, airlock: 2 } })),
    JSON.stringify(without({ mcpServers: { airlock: 2 } })),
  );
});
