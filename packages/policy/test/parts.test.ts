// Globs, conditions, windows, commands, files: each by itself, and with hostile text.
import { AirlockError } from '@airlock/protocol';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { compileCondition } from '../src/condition.js';
import { compileGlob } from '../src/glob.js';
import {
  compareRuleSets,
  compileRules,
  decideCall,
  mayBeFreed,
  matchCommand,
  parsePolicyText,
  type Policy,
  type RuleSet,
} from '../src/index.js';
import { compileWindow } from '../src/window.js';

const refusal = (text: string): AirlockError => {
  try {
    parsePolicyText(text, 'p.json');
  } catch (thrown) {
    return thrown as AirlockError;
  }
  throw new Error('it was taken');
};
const PLAIN = { id: 'infra', name: 'Infra', description: 'No changes', status: 'active', blocked_commands: ['terraform apply'] };
const withRules = (...rules: object[]): string => JSON.stringify({ ...PLAIN, rules }, null, 2);

t.test('globs: any text, one character, and nothing else is special', (t) => {
  t.ok(compileGlob('Archive/*')('Archive/2020/x'));
  t.notOk(compileGlob('Archive/*')('Archive'));
  t.ok(compileGlob('*b*')('abc') && compileGlob('a*c')('ac') && compileGlob('a?c')('aüc') && compileGlob('**')(''));
  t.notOk(compileGlob('a.c')('abc') || compileGlob('a?c')('ac') || compileGlob('')('x'));
  t.end();
});

t.test('CONDITION-1, CONDITION-2, CONDITION-3: nothing is converted, a list holds for one item, `every` for each', (t) => {
  const holds = (text: string, params: object): boolean => compileCondition(text)?.(params as never) ?? t.fail(text);
  t.ok(holds('amount > 100', { amount: 101 }));
  t.notOk(holds('amount > 100', { amount: '101' }) || holds('amount > 100', {}) || holds('amount != 1', {}));
  t.ok(holds('to matches "*@b.org"', { to: ['x@a.org', 'y@b.org'] }));
  t.notOk(holds('every to matches "*@b.org"', { to: ['x@a.org', 'y@b.org'] }) || holds('every to matches "*"', { to: [] }));
  t.ok(holds('a.b = {"c": [1]}', { a: { b: { c: [1] } } }) && holds('x not in [1, 2]', { x: 3 }) && holds('x missing', {}));
  t.notOk(holds('constructor exists', {}) || holds('a.length exists', { a: [1] }) || holds('toString exists', { b: 1 }));
  for (const wrong of [
    '',
    'amount',
    'amount >',
    'amount > x',
    'amount > "x"',
    'x in 5',
    'x matches 5',
    'every x exists',
    'x  = 1',
    '[] = 1',
    'x = 1 or y = 2',
    `x = ${'1'.repeat(3000)}`,
  ])
    t.equal(compileCondition(wrong), null, wrong);
  t.end();
});

t.test('WINDOW-1, WINDOW-2: days, midnight and daylight saving are those of the zone', (t) => {
  const office = compileWindow({ days: ['mon', 'fri'], from: '09:00', to: '17:00', zone: 'Europe/Berlin' });
  t.ok(office(Date.UTC(2026, 0, 5, 8)), 'Monday 09:00 in winter');
  t.notOk(office(Date.UTC(2026, 0, 5, 7, 59)));
  t.notOk(office(Date.UTC(2026, 0, 5, 16)), '17:00 is out');
  t.ok(office(Date.UTC(2026, 6, 6, 7)), 'Monday 09:00 in summer');
  t.notOk(office(Date.UTC(2026, 0, 6, 10)), 'Tuesday');
  const night = compileWindow({ days: ['fri'], from: '22:00', to: '02:00', zone: 'UTC' });
  t.ok(night(Date.UTC(2026, 0, 9, 23)) && night(Date.UTC(2026, 0, 10, 1)), 'Friday night goes on to Saturday');
  t.notOk(night(Date.UTC(2026, 0, 9, 1)) || night(Date.UTC(2026, 0, 10, 2)));
  t.ok(compileWindow({ zone: 'UTC' })(0), 'always');
  t.ok(compileWindow({ from: '18:00', to: '24:00', zone: 'UTC' })(Date.UTC(2026, 0, 5, 23, 59)));
  t.end();
});

t.test('COMMAND-1, COMMAND-2, COMMAND-3: base name and words, flags and their values passed over', (t) => {
  const blocked = ['terraform apply', 'kubectl delete', 'rm', 'aws ec2 terminate-instances'];
  const match = (line: string): string | null => matchCommand(blocked, line.split(' '));
  t.equal(match('/usr/local/bin/terraform apply -auto-approve'), 'terraform apply');
  t.equal(match('terraform -chdir=prod apply'), 'terraform apply');
  t.equal(match('terraform -chdir prod apply'), 'terraform apply');
  t.equal(match('Terraform apply'), 'terraform apply');
  t.equal(match('kubectl --context prod -n web delete pod x'), 'kubectl delete');
  t.equal(match('aws --region eu-1 ec2 --debug terminate-instances'), 'aws ec2 terminate-instances');
  t.equal(match('rm -rf /'), 'rm');
  t.equal(match('kubectl -n delete delete pod'), 'kubectl delete', 'a value that looks like the word hides nothing');
  t.equal(match('aws --profile ec2 ec2 terminate-instances'), 'aws ec2 terminate-instances');
  t.equal(match('kubectl -- delete pod'), 'kubectl delete');
  for (const fine of [
    'terraform plan',
    'terraform plan apply',
    'kubectl get pods',
    'terraform-docs apply',
    'aws ec2 describe-instances',
    '',
  ])
    t.equal(match(fine), null, fine);
  t.equal(matchCommand(['', '  '], ['x']), null);
  t.end();
});

t.test('PARSE-2: a plain file of blocked commands loads as it stands', (t) => {
  t.same(parsePolicyText(JSON.stringify(PLAIN), 'infra.json'), { ...PLAIN, rules: [], file: 'infra.json' });
  t.same(parsePolicyText(withRules(), 'p.json').rules, []);
  t.end();
});

t.test('PARSE-1: what is wrong is named by file, line, column and key, with what is allowed', (t) => {
  const rule = { id: 'r', decision: 'deny' };
  const cases: [string, RegExp][] = [
    ['{', /^p\.json:1:\d+: found .*allowed: JSON/],
    ['{"id": "a", "id": "b"}', /^p\.json:1:\d+: found/],
    ['[]', /^p\.json:1:1: the file: found \[\], allowed: an object/],
    [JSON.stringify({ ...PLAIN, colour: 1 }), /colour: found the key "colour", allowed: id, name/],
    [JSON.stringify({ ...PLAIN, status: 'on' }), /status: found "on", allowed: active or disabled/],
    [JSON.stringify({ id: 'a' }), /found no name, allowed: id, name/],
    [
      withRules(rule, { ...rule, id: 'q', decision: 'maybe' }),
      /^p\.json:1\d:\d+: rules\.1\.decision: found "maybe", allowed: allow or approval or deny/,
    ],
    [withRules(rule, rule), /rules\.1\.id: found "r", allowed: a name that no other/],
    [withRules({ ...rule, when: ['amount > ten'] }), /rules\.0\.when: found .*allowed: .*NAME OP VALUE/],
    [
      withRules({ ...rule, windows: [{ zone: 'Mars/Olympus' }] }),
      /rules\.0\.windows\.0\.zone: found "Mars\/Olympus", allowed: a time zone/,
    ],
    [withRules({ ...rule, windows: [{ zone: 'UTC', from: '9:00' }] }), /windows\.0\.from: found "9:00", allowed: HH:MM/],
    [withRules({ ...rule, windows: [{ zone: 'UTC', from: '09:00', to: '09:00' }] }), /another time than from/],
    [withRules({ ...rule, rate: { calls: 0, perS: 1, per: 'role' } }), /rate\.calls: found 0, allowed: a whole number from 1/],
    [withRules({ ...rule, decision: 'allow', rate: { calls: 1, perS: 1, per: 'role' } }), /with decision deny or approval only/],
    [withRules({ ...rule, outsideWindows: true }), /outsideWindows: found no windows/],
    [withRules({ ...rule, operations: [] }), /operations: found \[\]/],
    [withRules({ ...rule, operations: ['a b'] }), /operations/],
    [withRules({ ...rule, maxRisk: 2 }), /maxRisk: found 2, allowed: a number from 0 to 1/],
    [withRules({ ...rule, constructor: 1 }), /found the key "constructor"/],
  ];
  for (const [text, wanted] of cases) {
    const { code, message, data } = refusal(text);
    t.equal(code, 'CONFIG_INVALID');
    t.match(message, wanted);
    t.match(data.hint, /airlock-ctl policy reload/);
  }
  t.end();
});

t.test('hostile files: deep, long, odd; always a clear error, never anything else', (t) => {
  const texts = [
    '['.repeat(100_000),
    '{"a":'.repeat(5000),
    `{"id":"${'x'.repeat(900_000)}"}`,
    '\u0000',
    '{"__proto__": 1}',
    withRules({ id: 'r', decision: 'deny', reason: 'a\nb' }),
    '"\\ud800"',
    'x'.repeat(1_000_001),
    '{"a":"' + '\\"'.repeat(200_000),
  ];
  const began = performance.now();
  for (const text of texts) t.equal(refusal(text).code, 'CONFIG_INVALID');
  t.ok(performance.now() - began < 5000);
  t.end();
});

const policy = (...rules: Policy['rules']): RuleSet => ({
  permissions: { default: 'read', allow: ['write'] },
  policies: [{ ...PLAIN, status: 'active', rules }],
  attachments: { '*': ['infra'] },
});
const call = (set: RuleSet, more: object = {}) =>
  decideCall({
    ...{
      service: 'mail',
      operation: { name: 'send', class: 'write', outward: true, untrusted: false },
      scopes: [[{ service: 'mail', class: 'write', operation: null }]],
    },
    ...{ rules: compileRules(set), role: 'default', client: 'x', params: {}, nowMs: 0, rateCount: () => 0, tainted: false },
    ...more,
  });

t.test('POLICY-5, POLICY-6: a write without a rule asks for a code; a bare allow frees none, one that names it does', (t) => {
  t.match(call(policy()), { decision: 'approval', policy: 'configuration', rule: 'write-approval' });
  t.match(call(policy({ id: 'a', decision: 'allow' })), { decision: 'approval' });
  t.match(call(policy({ id: 'a', decision: 'allow', operations: ['*'], services: ['*'] })), { decision: 'approval' });
  t.match(call(policy({ id: 'a', decision: 'allow', operations: ['send'] })), { decision: 'allow', policy: 'infra', rule: 'a' });
  t.match(call(policy({ id: 'a', decision: 'allow', operations: ['send'] }), { tainted: true }), {
    decision: 'approval',
    policy: 'taint',
    rule: 'step-up',
  });
  const rules = compileRules(policy({ id: 'a', decision: 'allow', operations: ['send'], when: ['to exists'] }));
  const send = { name: 'send', class: 'write', outward: true, untrusted: false } as const;
  t.ok(mayBeFreed(rules, 'default', 'mail', send));
  t.notOk(mayBeFreed(rules, 'default', 'mail', { ...send, name: 'other' }));
  t.end();
});

t.test('the example of docs/spec/policy.md is decided as its table says', (t) => {
  const spec = readFileSync(fileURLToPath(new URL('../../../../docs/spec/policy.md', import.meta.url)), 'utf8');
  const [, json = ''] = /```json\n([^]*?)```/.exec(spec) ?? [];
  const shop = parsePolicyText(json, 'shop.json');
  const rules = compileRules({
    permissions: { default: 'read', allow: ['write'] },
    policies: [shop],
    attachments: { default: ['shop'] },
  });
  const rows = [...spec.matchAll(/^\| (\d+) \| (\w+) \| ([\w-]+) \| ([\w-]+) \|$/gm)];
  t.equal(rows.length, 3);
  for (const [, amount, decision, name, rule] of rows) {
    const operation = { name: 'pay', class: 'write', outward: false, untrusted: false };
    const scopes = [[{ service: 'shop', class: 'write', operation: null }]];
    t.match(call(policy(), { service: 'shop', operation, scopes, rules, params: { amount: Number(amount) } }), {
      decision,
      policy: name,
      rule,
    });
  }
  t.end();
});

const folder = fileURLToPath(new URL('../../../../policies/', import.meta.url));

t.test('the presets load, and each does what it says', (t) => {
  const presets = readdirSync(folder).map((name) => parsePolicyText(readFileSync(join(folder, name), 'utf8'), name));
  t.same(
    presets.map(({ id, file }) => `${id}.json` === file),
    presets.map(() => true),
    'named like their files',
  );
  const under = (id: string, more: object): ReturnType<typeof call> =>
    call(policy(), {
      rules: compileRules({ permissions: { default: 'read', allow: ['write'] }, policies: presets, attachments: { '*': [id] } }),
      ...more,
    });
  const scopes = [(['read', 'write'] as const).map((one) => ({ service: 'mail', class: one, operation: null }))];
  const read = { scopes, operation: { name: 'search', class: 'read', outward: false, untrusted: true } };
  const draft = { scopes, operation: { name: 'save_draft', class: 'write', outward: false, untrusted: false } };
  const [noon, night, late] = [Date.UTC(2026, 0, 5, 11), Date.UTC(2026, 0, 5, 23), Date.UTC(2026, 0, 9, 12)].map((nowMs) => ({
    nowMs,
  }));
  t.match(under('permissive', draft), { decision: 'allow' });
  t.match(under('permissive', {}), { decision: 'approval', rule: 'sending-asks' });
  t.match(under('permissive', { ...read, rateCount: () => 1200 }), { decision: 'deny' });
  t.match(under('strict', { ...read, client: null }), { decision: 'deny', rule: 'identity' });
  t.match(under('strict', read), { decision: 'allow', maxRisk: 0.8 });
  t.match(under('strict', draft), { decision: 'approval' });
  t.match(under('read-only', {}), { decision: 'deny' });
  t.match(under('read-only', read), { decision: 'allow' });
  t.match(under('business-hours', { ...read, ...noon }), { decision: 'allow' });
  t.match(under('business-hours', { ...read, ...night }), { decision: 'deny', rule: 'closed' });
  t.match(under('business-hours', { ...draft, ...noon }), { decision: 'approval' });
  t.match(under('business-hours', { ...draft, ...late }), { decision: 'deny', rule: 'no-late-changes' });
  const named = (name: string): object => ({ scopes, operation: { name, class: 'write', outward: false, untrusted: false } });
  t.match(under('infra-mutation-block', named('destroy_stack')), { decision: 'deny' });
  t.match(under('infra-mutation-block', named('apply_plan')), { decision: 'approval', rule: 'changes-ask' });
  const blocked = presets.find(({ id }) => id === 'infra-mutation-block')?.blocked_commands ?? [];
  t.equal(matchCommand(blocked, ['terraform', '-chdir=x', 'apply']), 'terraform apply');
  t.equal(matchCommand(blocked, ['terraform', 'plan']), null);
  t.end();
});

t.test('a rate matches from the call that exceeds it, says when to come back, and each rule counts for itself', (t) => {
  const set = policy({ id: 'a', decision: 'deny', rate: { calls: 2, perS: 60, per: 'service' }, reason: 'slow down' });
  t.match(call(set, { rateCount: () => 1 }), { decision: 'approval', rateKeys: [{ key: 'infra/a default mail', perS: 60 }] });
  t.match(call(set, { rateCount: () => 2 }), { decision: 'deny', rule: 'a', retryAfterMs: 60_000, reason: 'slow down' });
  t.end();
});

t.test('an agent that does not say who it is gets nothing where a policy wants to know', (t) => {
  const set = policy();
  const strict: RuleSet = { ...set, policies: set.policies.map((one) => ({ ...one, requireIdentity: true })) };
  t.match(call(strict, { client: null }), { decision: 'deny', policy: 'infra', rule: 'identity' });
  t.match(call(strict), { decision: 'approval' });
  t.equal(compareRuleSets(strict, set).wider, true);
  t.equal(compareRuleSets(set, strict).wider, false);
  t.end();
});
