// Policy files in a configuration directory, and the record replayed under other rules. RULES-1.
import { COMPILED_CONFIG_FILE, parseCompiledConfig, type OperationManifest } from '@airlock/protocol';
import type { Policy, PolicyRule, RuleSet } from '@airlock/policy';
import fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { rehearse, type RecordedCall } from '../src/commands/policy-rehearse.js';
import { compileConfig, readConfig } from '../src/config/compile.js';

const PRESETS = join(dirname(fileURLToPath(import.meta.url)), '../../../../policies');
const text = (id: string, more: object = {}): string =>
  JSON.stringify({ id, name: id, description: 'd', status: 'active', blocked_commands: [], rules: [], ...more }, null, 1);
const idsIn = (dir: string): string[] =>
  readConfig(dir, PRESETS)
    .rules.policies.map(({ id }) => id as string)
    .sort();

t.test('files of the folder and presets that are attached; a file of the same id stands for the preset', (t) => {
  const yaml = 'policies:\n  default: [mine, strict]\n  "*": [read-only]\n';
  const dir = t.testdir({
    'airlock.yaml': yaml,
    policies: { 'mine.json': text('mine'), 'strict.json': text('strict', { name: 'Ours' }), 'notes.txt': 'not a policy' },
  });
  t.same(idsIn(dir), ['mine', 'read-only', 'strict']);
  const { rules } = readConfig(dir, PRESETS);
  t.same(rules.attachments, { default: ['mine', 'strict'], '*': ['read-only'] });
  t.match(
    rules.policies.find(({ id }) => id === 'strict'),
    { name: 'Ours', file: join(dir, 'policies/strict.json') },
  );
  t.end();
});

t.test('every preset can be attached', (t) => {
  const ids = readdirSync(PRESETS).map((name) => name.replace(/\.json$/, ''));
  const dir = t.testdir({ 'airlock.yaml': `policies: {default: [${ids.join(', ')}]}\n` });
  t.same(idsIn(dir), ids.sort());
  t.end();
});

t.test('RULES-1: what is wrong is named by file, line and key, and the rest of the configuration still holds', (t) => {
  const cases: readonly [name: string, yaml: string, file: string, message: RegExp][] = [
    ['a key too many', '', text('a').replace('"rules"', '"ruels"'), /policies\/a\.json:7:\d+: ruels: found/],
    ['no JSON', '', '{"id": "a",\n', /policies\/a\.json:\d+:\d+: found a syntax error/],
    ['an id that no policy has', 'policies: {default: [gone]}', text('a'), /policies\.default: found gone, allowed: a/],
    ['a role that is none', 'policies: {nobody: [a]}', text('a'), /airlock\.yaml: policies\.nobody: found no role nobody/],
  ];
  for (const [name, yaml, file, message] of cases) {
    const dir = t.testdir({ 'airlock.yaml': `${yaml}\ntotp: {digits: 8}\n`, policies: { 'a.json': file } });
    t.equal(compileConfig(dir, PRESETS), null, `${name}: it compiles`);
    const compiled = parseCompiledConfig(JSON.parse(readFileSync(join(dir, COMPILED_CONFIG_FILE), 'utf8')));
    t.match(compiled.rules.problem, message, name);
    t.same(compiled.rules.policies, [], name);
    t.equal(compiled.totp.digits, 8, name);
  }
  const dir = t.testdir({ 'airlock.yaml': 'policies: {default: a}' });
  t.match(compileConfig(dir, PRESETS)?.message, /policies\.default: found "a", allowed: a list of ids/);
  t.end();
});

t.test('a compiled configuration from before there were policies has none', (t) => {
  const dir = t.testdir({});
  compileConfig(dir, PRESETS);
  const value = JSON.parse(readFileSync(join(dir, COMPILED_CONFIG_FILE), 'utf8')) as Record<string, unknown>;
  delete value['rules'];
  t.same(parseCompiledConfig(value).rules, { policies: [], attachments: {} });
  t.end();
});

const operation = (name: string, kind: 'read' | 'write'): OperationManifest => ({
  ...{ name, class: kind, outward: false, untrusted: false, summary: name, params: {}, result: {} },
});
const MANIFESTS = new Map([
  ['mail', new Map([operation('search', 'read'), operation('send', 'write')].map((one) => [one.name, one]))],
]);
const setOf = (rules: readonly PolicyRule[]): RuleSet => {
  const policy: Policy = { id: 'p', name: 'p', description: 'd', status: 'active', blocked_commands: [], rules };
  return { permissions: { default: 'read', allow: ['write'] }, policies: [policy], attachments: { '*': ['p'] } };
};
const MINUTE_MS = 60_000;
const callsAt = (name: string, ...minutes: readonly number[]): RecordedCall[] =>
  minutes.map((minute) => ({ atMs: 1_790_000_000_000 + minute * MINUTE_MS, role: 'default', service: 'mail', operation: name }));
const NONE = setOf([]);

t.test('a rehearsal counts what would be decided otherwise, and by which rule', (t) => {
  const calls = [...callsAt('search', 0, 1, 2), ...callsAt('send', 3), ...callsAt('gone', 4)];
  const after = setOf([
    { id: 'no-send', decision: 'deny', operations: ['send'] },
    { id: 'ask', decision: 'approval', classes: ['read'] },
  ]);
  const { changes, replayed, unknown } = rehearse(NONE, after, calls, MANIFESTS);
  t.same([replayed, unknown], [4, 1]);
  t.match(changes, [
    { operation: 'search', calls: 3, before: 'allow', after: 'approval', policy: 'p', rule: 'ask' },
    { operation: 'send', calls: 1, before: 'approval', after: 'deny', rule: 'no-send' },
  ]);
  t.end();
});

t.test('a rate is counted over the times of the record', (t) => {
  const after = setOf([{ id: 'two', decision: 'deny', rate: { calls: 2, perS: 600, per: 'role' } }]);
  const counted = (...minutes: readonly number[]): number =>
    rehearse(NONE, after, callsAt('search', ...minutes), MANIFESTS).changes.reduce((sum, { calls }) => sum + calls, 0);
  t.equal(counted(0, 1, 2, 3), 2);
  t.equal(counted(0, 1, 30, 31), 0);
  t.end();
});

t.test('rules against themselves change nothing', (t) => {
  const rule = fc.record(
    {
      id: fc.constant('r'),
      decision: fc.constantFrom('allow' as const, 'approval' as const, 'deny' as const),
      operations: fc.constantFrom(['send'], ['s*'], ['*']),
    },
    { requiredKeys: ['id', 'decision'] },
  );
  const calls = [...callsAt('search', 0, 1), ...callsAt('send', 2)];
  fc.assert(fc.property(rule, (one) => rehearse(setOf([one]), setOf([one]), calls, MANIFESTS).changes.length === 0));
  t.end();
});
