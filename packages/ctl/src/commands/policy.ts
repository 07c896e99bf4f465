/** policy: what decides about calls, what waits for a code, how a call would be decided, and what other rules would have changed. */
import { AirlockError, shownChanges, type PolicyReload, type PolicyStatus, type PolicyTest } from '@airlock/protocol';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { approveAction } from '../action.js';
import { compileConfig } from '../config/compile.js';
import { POLICY_DIR, presetDir, readPolicyDir, readPolicyFile } from '../config/policies.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { note, print, table } from '../output.js';
import { textOption, type Command, type Invocation } from './command.js';
import { REHEARSE } from './policy-rehearse.js';

interface Known {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly description: string;
  readonly rules: readonly Readonly<Record<string, unknown>>[];
  readonly blocked_commands: readonly string[];
  readonly file?: string;
}

const statusNow = (context: Context): Promise<PolicyStatus> =>
  withGateway(context, (link) => ask<PolicyStatus>(link, 'policy.status'));

const rolesOf = ({ attachments }: PolicyStatus, id: string): string =>
  Object.entries(attachments)
    .flatMap(([role, ids]) => (ids.includes(id) ? [role === '*' ? 'every agent' : role] : []))
    .join(', ');

/** What a person has to know besides the table. */
const remarks = ({ staged, problem }: PolicyStatus): string[] => [
  ...(problem === null ? [] : [`broken, so what was in force stays in force: ${problem}`]),
  ...(staged === null
    ? []
    : ['changed rules that allow more wait for a code: airlock-ctl policy apply', ...staged.changes.map((one) => `  ${one}`)]),
];

const list = async (context: Context): Promise<void> => {
  const status = await statusNow(context);
  const inForce = status.policies as unknown as readonly Known[];
  const presets = readPolicyDir(presetDir()).filter(({ id }) => !inForce.some((one) => one.id === id));
  const rows = [
    ...inForce.map((one) => [one.id, one.status, rolesOf(status, one.id) || 'nobody', String(one.rules.length), one.name]),
    ...presets.map((one) => [one.id, 'preset', 'nobody', String(one.rules.length), one.name]),
  ];
  const classes = ['read', ...status.permissions.allow].join(', ');
  const text = [
    table(['policy', 'status', 'for', 'rules', 'name'], rows),
    `classes that may be asked for: ${classes}`,
    ...remarks(status),
  ];
  print(
    context,
    { ...status, presets: presets.map(({ id, name, description }) => ({ id, name, description })) },
    text.join('\n'),
  );
};

/** For completion: those in force, and presets. */
export const policyIds = async (context: Context): Promise<string[]> => {
  const { policies } = await statusNow(context);
  return [...new Set([...policies, ...readPolicyDir(presetDir())].map(({ id }) => id as string))].sort();
};

const findPolicy = ({ policies }: PolicyStatus, id: string): Known => {
  const all = [...(policies as unknown as readonly Known[]), ...(readPolicyDir(presetDir()) as unknown as readonly Known[])];
  const found = all.find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new AirlockError('NOT_FOUND', `there is no policy ${id}`, {
    field: 'ID',
    expected: [...new Set(all.map((one) => one.id))].sort().join(', '),
    found: id,
    hint: 'airlock-ctl policy list',
  });
};

/** A rule in one line: what has to hold, in the words of the file. */
const ruleText = ({ id, decision, reason, ...rest }: Readonly<Record<string, unknown>>): string[] => [
  String(decision),
  String(id),
  Object.entries(rest)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ') || 'always',
  typeof reason === 'string' ? reason : '',
];

const show = async (context: Context, { args: [id = ''] }: Invocation): Promise<void> => {
  const status = await statusNow(context);
  const policy = findPolicy(status, id);
  const text = [
    `${policy.name} (${policy.id}), ${policy.status}, for ${rolesOf(status, id) || 'nobody'}`,
    policy.description,
    ...(policy.rules.length === 0 ? [] : [table(['decision', 'rule', 'when', 'why'], policy.rules.map(ruleText))]),
    ...(policy.blocked_commands.length === 0 ? [] : [`blocked commands: ${policy.blocked_commands.join(', ')}`]),
    ...(policy.file === undefined ? [] : [`from ${policy.file}`]),
  ];
  print(context, policy, text.join('\n'));
};

/** Files and folders, or the folder of the configuration. */
const check = (context: Context, { args }: Invocation): void => {
  const paths = args.length === 0 ? [join(context.configDir, POLICY_DIR)] : args;
  const policies = paths.flatMap((path) =>
    existsSync(path) && statSync(path).isDirectory() ? readPolicyDir(path) : args.length === 0 ? [] : [readPolicyFile(path)],
  );
  const rows = policies.map(({ id, file = '', rules, blocked_commands: blocked }) => [
    id,
    file,
    String(rules.length),
    String(blocked.length),
  ]);
  print(
    context,
    policies.map(({ id, file, rules }) => ({ id, file, rules: rules.length })),
    rows.length === 0 ? `no policy file in ${paths.join(', ')}` : table(['policy', 'file', 'rules', 'blocked commands'], rows),
  );
};

const parseParams = (text: string | undefined): object => {
  if (text === undefined) return {};
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { params: value };
  } catch {
    // Falls through to the one message there is.
  }
  throw new AirlockError('PARAMS_INVALID', 'the parameters are not a JSON object', {
    field: '-p',
    hint: 'quote the JSON for your shell',
  });
};

const parseAt = (text: string | undefined): object => {
  if (text === undefined) return {};
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs) && atMs >= 0) return { atMs };
  throw new AirlockError('PARAMS_INVALID', `--at: found ${text.slice(0, 40)}, allowed: a time as 2026-01-05T09:00:00+01:00`, {
    field: '--at',
  });
};

const MEANS = { allow: 'allowed', approval: 'needs a code of its own', deny: 'denied' } as const;

const test = async (context: Context, invocation: Invocation): Promise<void> => {
  const [role = '', service = '', operation = ''] = invocation.args;
  const client = textOption(invocation, 'client');
  const params = {
    ...{
      role,
      service,
      operation,
      tainted: invocation.options['tainted'] === true,
      staged: invocation.options['staged'] === true,
    },
    ...(client === undefined ? {} : { client }),
    ...parseParams(textOption(invocation, 'params')),
    ...parseAt(textOption(invocation, 'at')),
  };
  const answer = await withGateway(context, (link) => ask<PolicyTest>(link, 'policy.test', params));
  const why = answer.reason === undefined ? '' : `: ${answer.reason}`;
  const risk = answer.maxRisk === undefined ? '' : `; results with a risk above ${answer.maxRisk} are withheld`;
  print(context, answer, `${MEANS[answer.decision]} (policy ${answer.policy}, rule ${answer.rule})${why}${risk}`);
};

const OUTCOMES = {
  unchanged: 'nothing has changed',
  applied: 'in force now',
  staged: 'this allows more, so it waits for a code: airlock-ctl policy apply',
  kept: 'a file is broken, so what was in force stays in force',
} as const;

/** Compiled where this may be done: on a workstation by root only. */
const compile = ({ configDir }: Context): void => {
  try {
    compileConfig(configDir);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EACCES') throw thrown;
    throw new AirlockError('UNAVAILABLE', `${configDir} belongs to root, who decides what the daemons read`, {
      hint: 'sudo airlock-ctl policy reload',
    });
  }
};

const reload = async (context: Context): Promise<void> => {
  compile(context);
  const answer = await withGateway(context, (link) => ask<PolicyReload>(link, 'policy.reload'));
  if (answer.outcome === 'kept') {
    throw new AirlockError('CONFIG_INVALID', answer.problem ?? 'a policy file is broken', {
      hint: 'correct it and run again: airlock-ctl policy reload; until then the rules that were in force decide',
    });
  }
  print(context, answer, [OUTCOMES[answer.outcome], ...answer.changes.map((one) => `  ${one}`)].join('\n'));
};

const apply = async (context: Context): Promise<void> => {
  const { staged } = await statusNow(context);
  if (staged === null) {
    throw new AirlockError('NOT_FOUND', 'no changed rules wait for a code', {
      hint: 'edit the files, then run: airlock-ctl policy reload',
    });
  }
  const { digest, changes } = staged;
  note(context, `airlock: ${changes.length} changes:`);
  for (const change of changes) note(context, `  ${change}`);
  const params = { digest, changes: shownChanges(changes) };
  // The ticket ends with the connection that it was given on.
  const answer = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'policy.apply', params });
    return withGateway(context, (gateway) => ask<PolicyReload>(gateway, 'policy.apply', { ticket }));
  });
  print(context, answer, OUTCOMES[answer.outcome]);
};

export const POLICY_COMMANDS: readonly Command[] = [
  { name: 'policy list', summary: 'the policies in force, for whom, and the presets; what waits for a code', run: list },
  { name: 'policy show', args: '<id>', summary: 'a policy and its rules', run: show },
  { name: 'policy check', args: '[files...]', summary: 'whether policy files are right; asks no daemon', run: check },
  {
    name: 'policy test',
    args: '<role> <service> <operation>',
    summary: 'how a call would be decided, and by which rule; nothing is called',
    flags: [
      { flags: '-p, --params <json>', summary: 'its parameters; without them conditions count as met where they deny or ask' },
      { flags: '--at <time>', summary: 'as if it were then, e.g. 2026-01-05T09:00:00+01:00' },
      { flags: '--client <name>', summary: 'as an agent that says it is NAME; empty: says nothing' },
      { flags: '--tainted', summary: 'as a session that has read what others wrote' },
      { flags: '--staged', summary: 'under the changed rules that wait for a code' },
    ],
    run: test,
  },
  { name: 'policy reload', summary: 'read the files again: less applies at once, more waits for a code', run: reload },
  { name: 'policy apply', summary: 'let the changed rules that wait take effect; needs a code', run: apply },
  REHEARSE,
];
