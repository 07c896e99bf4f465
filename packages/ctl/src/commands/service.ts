/** service add|list|remove|test: which accounts and files there are. Every change is an approved action. */
import {
  AirlockError,
  formatDestination,
  type ConnectorManifest,
  type KindList,
  type ServiceList,
  type ServiceView,
} from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, print, table } from '../output.js';
import { settingProperties } from '../settings.js';
import { addAction, addCommand, checkServiceName, collectSettings, placeOf, type ServiceDraft } from '../setup/draft.js';
import { checkNamed, fieldNames, readFields, requiredFields } from '../setup/fields.js';
import { withRemedy } from '../setup/remedies.js';
import { storeService, TRIAL_TIMEOUT_MS } from '../setup/store.js';
import { parseEnvironment, programText } from '../upstream/program.js';
import { foundTools, TOOL_COMMANDS } from './service-tools.js';
import { listOption, textOption, type Command, type Invocation } from './command.js';

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
    hint: `one of: ${known}; with what each needs: airlock-ctl service kinds`,
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

/** Fields are asked for where somebody can answer: on a terminal, or with --stdin. */
const fieldsNow = (context: Context, manifest: ConnectorManifest, invocation: Invocation): string[] => {
  const { options } = invocation;
  const wanted = listOption(invocation, 'secret').map((name) => checkNamed(manifest, name));
  const mayAsk = options['credentials'] !== false && (options['stdin'] === true || context.terminal.isTerminal);
  if (mayAsk) return fieldNames(manifest, wanted);
  if (wanted.length === 0 || options['credentials'] === false) return [];
  throw new AirlockError('PARAMS_INVALID', 'the values of --secret come from a terminal or from --stdin', {
    field: '--stdin',
    expected: '--stdin, or --no-credentials to give them later',
    hint: 'add --stdin and send one line for each --secret, then the code',
  });
};

/** What is typed for an upstream MCP server, as the settings of its kind. */
const upstreamSettings = (context: Context, kind: string, invocation: Invocation): readonly string[] => {
  const [words, network] = [invocation.args.slice(1), listOption(invocation, 'network')];
  const env = listOption(invocation, 'env');
  if (kind !== 'mcp') {
    const stray = words.length > 0 ? 'COMMAND' : env.length > 0 ? '--env' : network.length > 0 ? '--network' : null;
    if (stray === null) return [];
    throw new AirlockError('PARAMS_INVALID', `${stray} is for services of kind mcp`, {
      field: stray,
      expected: 'airlock-ctl service add mcp --name NAME -- COMMAND',
      found: kind,
      hint: `leave ${stray} out`,
    });
  }
  const reach = network.length === 0 ? [] : [`network=${network.join(',')}`];
  const isTyped = words.length > 0 || !listOption(invocation, 'set').some((text) => text.startsWith('program='));
  return isTyped ? [`program=${programText(context, words, parseEnvironment(env))}`, ...reach] : reach;
};

/** `service add mcp --url URL` is a server elsewhere. */
const kindOf = (invocation: Invocation): string => {
  const [kind = ''] = invocation.args;
  return kind === 'mcp' && textOption(invocation, 'url') !== undefined ? 'mcp-url' : kind;
};

/** Found before secrets and a code are asked for; the gateway looks again. */
const checkFree = async (context: Context, service: string): Promise<void> => {
  if (!(await services(context)).some((one) => one.service === service)) return;
  throw new AirlockError('PARAMS_INVALID', `there is a service ${service} already`, {
    field: '--name',
    expected: 'a name that is not taken',
    found: service,
    hint: `choose another --name, or remove it first: airlock-ctl service remove ${service}`,
  });
};

const draftOf = async (context: Context, invocation: Invocation): Promise<ServiceDraft> => {
  const manifest = await findKind(context, kindOf(invocation));
  const service = checkServiceName(textOption(invocation, 'name') ?? manifest.kind);
  await checkFree(context, service);
  const url = textOption(invocation, 'url');
  const typed = [...upstreamSettings(context, manifest.kind, invocation), ...(url === undefined ? [] : [`url=${url}`])];
  const given = await collectSettings(context, manifest, [...listOption(invocation, 'set'), ...typed]);
  const place = placeOf(context, manifest, given);
  const fields = fieldsNow(context, manifest, invocation);
  const read = await readFields(context, manifest, fields);
  const isComplete = requiredFields(manifest).every((name) => Object.hasOwn(read, name));
  return { manifest, service, ...place, values: isComplete ? read : null, test: invocation.options['test'] !== false };
};

const add = async (context: Context, invocation: Invocation): Promise<void> => {
  const draft = await draftOf(context, invocation);
  const { service, destination, values } = draft;
  const changed = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, addAction(draft));
    return storeService(context, link, { ...draft, method: 'service.add', ticket, again: addCommand(draft) });
  });
  const next =
    values === null
      ? `now its credential: airlock-ctl credentials add ${service}`
      : `agents can now ask for it: airlock request ${service} --reason …`;
  const tools = draft.manifest.listed === true ? await foundTools(context, service) : '';
  const lines = [`added ${service} (${formatDestination(destination)})`, ...(tools === '' ? [] : [tools]), next];
  print(context, changed, lines.join('\n'));
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
  const { service, kind, destination } = await findService(context, args[0] ?? '');
  const manifest = await findKind(context, kind);
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'service.test', params: { service } });
    const tried = withGateway(context, (gateway) => ask(gateway, 'service.test', { ticket }, TRIAL_TIMEOUT_MS));
    await tried.catch((thrown: unknown) => {
      throw withRemedy(thrown, { manifest, destination, again: `airlock-ctl credentials add ${service}` });
    });
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
        Object.entries(one.credential.fields)
          .map(([name, { optional }]) => (optional === true ? `[${name}]` : name))
          .join(' '),
      ]),
    ),
  );
};

export const SERVICE_COMMANDS: readonly Command[] = [
  {
    name: 'service add',
    args: '<kind> [command...]',
    summary: 'add an account or a folder; with a terminal or --stdin its secrets too, tried before they are stored',
    flags: [
      { flags: '--name <name>', summary: 'what it is called in scopes (default: the kind)' },
      { flags: '--set <key=value>', summary: 'a setting; may be repeated', many: true },
      { flags: '--url <url>', summary: 'with kind mcp: a server elsewhere' },
      { flags: '--env <name=value>', summary: 'with kind mcp: a variable that is no secret; may be repeated', many: true },
      {
        flags: '--network <origin>',
        summary: 'with kind mcp: an origin it may reach, such as api.example.org; may be repeated',
        many: true,
      },
      {
        flags: '--secret <name>',
        summary: 'with kind mcp: a secret by its name, a variable or with --url a header; may be repeated',
        many: true,
      },
      { flags: '--stdin', summary: 'secrets are lines of stdin, in the order of the kind, then the code' },
      { flags: '--no-credentials', summary: 'leave the secrets for credentials add' },
      { flags: '--no-test', summary: 'store without trying the login' },
    ],
    run: add,
  },
  { name: 'service list', summary: 'what there is, where it leads, what is sealed', run: list },
  ...TOOL_COMMANDS,
  { name: 'service kinds', summary: 'the kinds that can be added', run: kindList },
  { name: 'service remove', args: '<service>', summary: 'remove a service and its credential', run: remove },
  { name: 'service test', args: '<service>', summary: 'log in once in a cell', run: test },
];
