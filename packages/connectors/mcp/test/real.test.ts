/** Three servers from npm, each driven directly by the official client and through host and connector: the same answers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Json, Params } from '@airlock/protocol';
import t, { type Test } from 'tap';
import { isMembers } from '../src/contract.js';
import { openProgram, quiet, refusal, serverProgram, talking } from './support.js';

type Call = readonly [tool: string, params: Params];

/** A tree of its own for each way, at a path of the same length. */
const folder = (t: Test): string => {
  const dir = mkdtempSync(join(tmpdir(), 'up-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'sub'));
  writeFileSync(join(dir, 'a.txt'), 'one\ntwo\nthree\n');
  writeFileSync(join(dir, 'sub/b.txt'), 'b');
  return dir;
};

/** What differs from run to run, and the folder. */
const normal = (value: unknown, dir: string): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(dir, '/DIR')
      .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d{4} [\d:]+ GMT[^"\\]*/g, 'TIME')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replace(/\d\d?:\d\d:\d\d( [AP]M)?/g, 'TIME')
      .replace(/"(?:pid|PID)":\s*\d+/g, '"pid":0'),
  );

const direct = async (t: Test, argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Client> => {
  const client = new Client(
    { name: 'direct', version: '1' },
    { capabilities: { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } } },
  );
  const [command = '', ...args] = argv;
  const transport = new StdioClientTransport({
    ...{ command, args, stderr: 'ignore' },
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', TMPDIR: '/tmp', LANG: 'C.UTF-8', ...env },
    cwd: '/tmp',
  });
  await client.connect(transport);
  t.teardown(() => client.close());
  return client;
};

const sameCalls = async (
  t: Test,
  calls: (dir: string) => readonly Call[],
  argv: (dir: string) => readonly string[],
  env: (dir: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<void> => {
  const [near, far] = [folder(t), folder(t)];
  const client = await direct(t, argv(near), env(near));
  const session = openProgram(t, { argv: argv(far), env: env(far) });
  const listed = await session.list();
  const { tools } = await client.listTools();
  t.same(
    normal(
      listed.map(({ operation }) => operation.mcp),
      far,
    ),
    normal(tools, near),
    'every definition as it is',
  );
  t.same(
    listed.filter(({ problem }) => problem !== undefined),
    [],
  );
  const names = new Map(listed.map(({ operation }) => [operation.mcp?.['name'], operation.name]));
  const [first, second] = [calls(near), calls(far)];
  const tried = new Set<string>();
  for (const [index, [name, args]] of first.entries()) {
    const answer = await client.callTool({ name, arguments: args });
    const { result } = await session.execute(names.get(name) ?? name, second[index]?.[1] ?? {}, quiet());
    t.same(normal(result, far), normal(answer, near), `${name} ${JSON.stringify(args).slice(0, 60)}`);
    tried.add(name);
  }
  t.same(
    tools.map(({ name }) => name).filter((name) => !tried.has(name)),
    [],
    'every tool was called',
  );
};

const node = process.execPath;

t.test('filesystem', async (t) => {
  const program = serverProgram('server-filesystem');
  await sameCalls(
    t,
    (dir) => [
      ['list_allowed_directories', {}],
      ['read_file', { path: join(dir, 'a.txt') }],
      ['read_text_file', { path: join(dir, 'a.txt'), head: 1 }],
      ['read_media_file', { path: join(dir, 'a.txt') }],
      ['read_multiple_files', { paths: [join(dir, 'a.txt'), join(dir, 'none')] }],
      ['read_text_file', { path: '/etc/passwd' }],
      ['write_file', { path: join(dir, 'c.txt'), content: 'c' }],
      ['edit_file', { path: join(dir, 'a.txt'), edits: [{ oldText: 'two', newText: 'zwei' }] }],
      ['create_directory', { path: join(dir, 'd/e') }],
      ['list_directory', { path: dir }],
      ['list_directory_with_sizes', { path: dir }],
      ['directory_tree', { path: dir }],
      ['move_file', { source: join(dir, 'c.txt'), destination: join(dir, 'f.txt') }],
      ['search_files', { path: dir, pattern: '**/*.txt' }],
      ['get_file_info', { path: join(dir, 'sub/b.txt') }],
    ],
    (dir) => [node, program, dir],
  );
});

t.test('memory', async (t) => {
  const entity = { name: 'Ada', entityType: 'person', observations: ['writes programs'] };
  const relation = { from: 'Ada', to: 'Ada', relationType: 'knows' };
  await sameCalls(
    t,
    () => [
      ['create_entities', { entities: [entity] }],
      ['create_relations', { relations: [relation] }],
      ['add_observations', { observations: [{ entityName: 'Ada', contents: ['plays chess'] }] }],
      ['add_observations', { observations: [{ entityName: 'Nobody', contents: ['x'] }] }],
      ['read_graph', {}],
      ['search_nodes', { query: 'chess' }],
      ['open_nodes', { names: ['Ada'] }],
      ['delete_observations', { deletions: [{ entityName: 'Ada', observations: ['plays chess'] }] }],
      ['delete_relations', { relations: [relation] }],
      ['delete_entities', { entityNames: ['Ada'] }],
    ],
    () => [node, serverProgram('server-memory')],
    (dir) => ({ MEMORY_FILE_PATH: join(dir, 'memory.jsonl') }),
  );
});

/** Called apart: they ask the client, or answer what differs from run to run. */
const APART = new Set(['get-env', 'gzip-file-as-resource', 'toggle-simulated-logging', 'toggle-subscriber-updates']);

t.test('everything', async (t) => {
  const argv = [node, serverProgram('server-everything')];
  const client = await direct(t, argv);
  const session = openProgram(t, { argv });
  const listed = await session.list();
  const { tools } = await client.listTools();
  // The official client leaves the dialect of a schema out.
  const bare = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, member: unknown) => (key === '$schema' ? undefined : member)));
  t.same(bare(listed.map(({ operation }) => operation.mcp)), bare(tools));
  const calls: readonly Call[] = [
    ['echo', { message: 'hello' }],
    ['get-sum', { a: 1, b: 2 }],
    ['get-tiny-image', {}],
    ['get-annotated-message', { messageType: 'error', includeImage: true }],
    ['get-resource-reference', { resourceType: 'Text', resourceId: 1 }],
    ['get-resource-links', { count: 3 }],
    ['get-structured-content', { location: 'Chicago' }],
    ['trigger-long-running-operation', { duration: 0.2, steps: 2 }],
  ];
  const names = new Map(listed.map(({ operation }) => [operation.mcp?.['name'], operation.name]));
  for (const [name, args] of calls) {
    const answer = await client.callTool({ name, arguments: args });
    const { result } = await session.execute(names.get(name) ?? name, args, quiet());
    t.same(normal(result, '/none'), normal(answer, '/none'), name);
  }
  const env = await session.execute('get_env', {}, quiet());
  t.notMatch(JSON.stringify(env.result), /SUDO|npm_|SSH_|AIRLOCK/, 'UPSTREAM-2 the environment is what was given');
  t.match(JSON.stringify(env.result), /MALLOC|PATH/);

  const { context, heard } = talking({ progress: true });
  await session.execute('trigger_long_running_operation', { duration: 0.2, steps: 2 }, context);
  t.same(
    heard.notices
      .filter(({ method }) => method === 'notifications/progress')
      .map(({ params }) => isMembers(params) && params['progress']),
    [1, 2],
    'progress',
  );
  const sampled = talking({ capabilities: { sampling: {} } }, () => ({
    ...{ role: 'assistant', model: 'm', content: { type: 'text', text: 'sampled words' } },
  }));
  const asked = await session.execute('trigger_sampling_request', { prompt: 'say', maxTokens: 10 }, sampled.context);
  t.match(JSON.stringify(asked.result), 'sampled words');
  t.equal(sampled.heard.asks[0]?.method, 'sampling/createMessage');
  const alone = await session.execute('trigger_sampling_request', { prompt: 'say', maxTokens: 10 }, quiet());
  t.match(alone.result, { isError: true }, 'UPSTREAM-9 nobody is asked what nobody can be asked');
  const untold = new Set(tools.map(({ name }) => name).filter((name) => !calls.some(([called]) => called === name)));
  for (const name of [...APART, 'trigger-sampling-request']) untold.delete(name);
  t.comment(`not called here: ${[...untold].join(', ')}`);

  const resources = (await session.execute('mcp_resources_list', {}, quiet())).result;
  t.same(resources, JSON.parse(JSON.stringify(await client.listResources())) as Json);
  t.same(
    (await session.execute('mcp_prompts_list', {}, quiet())).result,
    JSON.parse(JSON.stringify(await client.listPrompts())) as Json,
  );
  t.same(
    (await session.execute('mcp_prompt_get', { name: 'simple-prompt' }, quiet())).result,
    JSON.parse(JSON.stringify(await client.getPrompt({ name: 'simple-prompt' }))) as Json,
  );
  t.same(
    (await session.execute('mcp_resource_templates_list', {}, quiet())).result,
    JSON.parse(JSON.stringify(await client.listResourceTemplates())) as Json,
  );
  t.match(await refusal(session.execute('mcp_prompt_get', { name: 'none' }, quiet())), {
    code: 'UPSTREAM_REFUSED',
    found: /^rpc -32602: /,
  });
  t.same((await session.execute('mcp_set_level', { level: 'error' }, quiet())).result, {});
  t.same((await session.execute('mcp_ping', {}, quiet())).result, {});
});
