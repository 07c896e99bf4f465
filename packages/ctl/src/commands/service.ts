/** service add|list|remove|test: which accounts and files there are. Every change is an approved action. */
import {
  AirlockError,
  fillSettings,
  formatDestination,
  resolveDestination,
  SERVICE_PATTERN,
  type Action,
  type ConnectorManifest,
  type KindList,
  type ServiceChanged,
  type ServiceList,
  type ServiceView,
} from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, note, print, table } from '../output.js';
import { sealFields } from '../seal.js';
import { missingSettings, parseSettings, settingProperties } from '../settings.js';
import { fieldNames, readFields } from './fields.js';
import { listOption, textOption, type Command, type Invocation } from './command.js';

/** A trial login may take as long as a slow server. */
const TRIAL_TIMEOUT_MS = 75_000;

export const services = async (context: Context): Promise<readonly ServiceView[]> =>
  (await withGateway(context, (link) => ask<ServiceList>(link, 'service.list'))).services;

export const kinds = async (context: Context): Promise<readonly ConnectorManifest[]> =>
  (await withGateway(context, (link) => ask<KindList>(link, 'kind.list'))).kinds;

/** @throws AirlockError PARAMS_INVALID naming the kinds there are */
export const findKind = async (context: Context, kind: string): Promise<ConnectorManifest> => {
  const all = await kinds(context);
  const manifest = all.find((one) => one.kind === kind);
  if (manifest) return manifest;
  const known = all
    .map((one) => one.kind)
    .sort()
    .join(', ');
  throw new AirlockError('PARAMS_INVALID', `unknown kind of service: ${kind}`, {
    field: 'KIND',
    expected: known,
    found: kind,
    hint: `kinds: ${known}`,
  });
};

/** @throws AirlockError SERVICE_UNKNOWN naming the services there are */
export const findService = async (context: Context, name: string): Promise<ServiceView> => {
  const all = await services(context);
  const service = all.find((one) => one.service === name);
  if (service) return service;
  const known = all.map((one) => one.service).join(', ') || 'none yet';
  throw new AirlockError('SERVICE_UNKNOWN', `there is no service ${name}`, {
    field: 'SERVICE',
    expected: known,
    found: name,
    hint: `services: ${known}; add one: airlock-ctl service add KIND`,
  });
};

const checkName = (name: string): string => {
  if (new RegExp(SERVICE_PATTERN).test(name)) return name;
  throw new AirlockError('PARAMS_INVALID', `a service cannot be called ${name}`, {
    field: '--name',
    expected: 'a-z, 0-9 and -, at most 32 characters',
    found: name,
    hint: 'choose another --name',
  });
};

/** Settings from --set, on a terminal asked for where they are missing. */
const collectSettings = async (
  context: Context,
  manifest: ConnectorManifest,
  texts: readonly string[],
): Promise<Record<string, string | number | boolean>> => {
  const given = parseSettings(manifest, texts);
  const missing = missingSettings(manifest, given);
  if (missing.length > 0 && !context.terminal.isTerminal) {
    throw new AirlockError('PARAMS_INVALID', `settings are missing: ${missing.join(', ')}`, {
      field: `--set ${missing[0] ?? ''}`,
      expected: missing.map((key) => `--set ${key}=…`).join(' '),
      found: 'nothing',
      hint: `airlock-ctl service add ${manifest.kind} ${missing.map((key) => `--set ${key}=…`).join(' ')}`,
    });
  }
  for (const key of missing) {
    context.terminal.err(`${settingProperties(manifest)[key]?.description ?? key}: `);
    Object.assign(given, parseSettings(manifest, [`${key}=${(await context.terminal.line()) ?? ''}`]));
  }
  return { ...fillSettings(manifest.settings, given) };
};

/** Fields are asked for where somebody can answer: on a terminal, or with --stdin. */
const fieldsNow = (context: Context, manifest: ConnectorManifest, { options }: Invocation): string[] =>
  options['credentials'] !== false && (options['stdin'] === true || context.terminal.isTerminal) ? fieldNames(manifest, []) : [];

const add = async (context: Context, invocation: Invocation): Promise<void> => {
  const manifest = await findKind(context, invocation.args[0] ?? '');
  const service = checkName(textOption(invocation, 'name') ?? manifest.kind);
  const settings = await collectSettings(context, manifest, listOption(invocation, 'set'));
  const destination = resolveDestination(manifest, settings);
  const fields = fieldsNow(context, manifest, invocation);
  const values = await readFields(context, manifest, fields);
  const complete = fields.length === Object.keys(manifest.credential.fields).length;
  const test = complete && invocation.options['test'] !== false;
  const action: Action = { verb: 'service.add', params: { service, kind: manifest.kind, settings, destination, fields, test } };
  const changed = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, action);
    const record = complete ? { record: await sealFields(link, ticket, values) } : {};
    if (test) note(context, 'airlock: trying it once in a cell …');
    return withGateway(context, (gateway) =>
      ask<ServiceChanged>(gateway, 'service.add', { ticket, ...record }, TRIAL_TIMEOUT_MS),
    );
  });
  const next = complete
    ? `agents can now ask for it: airlock request ${service} --reason …`
    : `now its credential: airlock-ctl credentials add ${service}`;
  print(context, changed.service, `added ${service} (${formatDestination(destination)})\n${next}`);
};

const list = async (context: Context): Promise<void> => {
  const all = await services(context);
  const rows = all.map(({ service, kind, destination, fields, updatedAt }) => [
    service,
    kind,
    formatDestination(destination),
    fields.join(' '),
    updatedAt === null ? 'no credential yet' : localTime(updatedAt),
  ]);
  print(
    context,
    all,
    rows.length === 0
      ? 'no service yet; add one: airlock-ctl service add gmail'
      : table(['service', 'kind', 'to', 'sealed', 'since'], rows),
  );
};

const remove = async (context: Context, { args }: Invocation): Promise<void> => {
  const { service } = await findService(context, args[0] ?? '');
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'service.remove', params: { service } });
    await withGateway(context, (gateway) => ask(gateway, 'service.remove', { ticket }));
  });
  print(context, { removed: service }, `removed ${service} and its credential`);
};

const test = async (context: Context, { args }: Invocation): Promise<void> => {
  const { service } = await findService(context, args[0] ?? '');
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'service.test', params: { service } });
    note(context, 'airlock: logging in once in a cell …');
    await withGateway(context, (gateway) => ask(gateway, 'service.test', { ticket }, TRIAL_TIMEOUT_MS));
  });
  print(context, { ok: true, service }, `${service}: the login works`);
};

const kindList = async (context: Context): Promise<void> => {
  const all = await kinds(context);
  print(
    context,
    all,
    table(
      ['kind', 'title', 'settings', 'secrets'],
      all.map((one) => [
        one.kind,
        one.title,
        Object.keys(settingProperties(one)).join(' '),
        Object.keys(one.credential.fields).join(' '),
      ]),
    ),
  );
};

export const SERVICE_COMMANDS: readonly Command[] = [
  {
    name: 'service add',
    args: '<kind>',
    summary: 'add an account or a folder; with a terminal or --stdin its secrets too, tried before they are stored',
    flags: [
      { flags: '--name <name>', summary: 'what it is called in scopes (default: the kind)' },
      { flags: '--set <key=value>', summary: 'a setting; may be repeated', many: true },
      { flags: '--stdin', summary: 'secrets are lines of stdin, in the order of the kind, then the code' },
      { flags: '--no-credentials', summary: 'leave the secrets for credentials add' },
      { flags: '--no-test', summary: 'store without trying the login' },
    ],
    run: add,
  },
  { name: 'service list', summary: 'what there is, where it leads, what is sealed', run: list },
  { name: 'service kinds', summary: 'the kinds that can be added', run: kindList },
  { name: 'service remove', args: '<service>', summary: 'remove a service and its credential', run: remove },
  { name: 'service test', args: '<service>', summary: 'log in once in a cell', run: test },
];
