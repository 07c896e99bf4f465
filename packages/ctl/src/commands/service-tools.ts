/** service tools|accept: the operations a service lists itself, how they differ from what was accepted, and accepting them. */
import type { ListedOperation, ServiceStderr, ServiceTools } from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, note, print, table } from '../output.js';
import type { Command, Invocation } from './command.js';

const toolsOf = (context: Context, service: string): Promise<ServiceTools> =>
  withGateway(context, (link) => ask<ServiceTools>(link, 'service.tools', { service }));

const rowOf = ({ operation, problem }: ListedOperation): string[] => [
  operation.name,
  operation.class,
  operation.outward ? 'yes' : 'no',
  problem === undefined ? operation.summary : `cannot be called: ${problem}`,
];

const tableOf = (listed: readonly ListedOperation[]): string =>
  table(['operation', 'class', 'outward', 'summary'], listed.map(rowOf));

/** The definition as people compare it: one member a line. */
const definition = ({ operation }: ListedOperation): string[] => {
  const { class: kind, outward, summary, description, params, result, mcp } = operation;
  return JSON.stringify({ class: kind, outward, summary, description, params, result, mcp }, null, 2).split('\n');
};

const sameAtStart = (a: readonly string[], b: readonly string[]): number => {
  const found = a.findIndex((line, index) => line !== b[index]);
  return found < 0 ? a.length : found;
};

/** All from the first line that differs to the last: a line that was moved is a difference, wherever else it stands. */
export const lineDifference = (before: readonly string[], after: readonly string[]): readonly string[] => {
  const head = sameAtStart(before, after);
  const [a, b] = [before.slice(head), after.slice(head)];
  const tail = sameAtStart(a.toReversed(), b.toReversed());
  return [
    ...a.slice(0, a.length - tail).map((line) => `  - ${line}`),
    ...b.slice(0, b.length - tail).map((line) => `  + ${line}`),
  ];
};

/** What is new first, so that what was changed stands next to the question. */
const differences = ({ accepted, offered }: ServiceTools): readonly string[] => {
  const known = new Map(accepted.map((one) => [one.operation.name, one]));
  const before = (one: ListedOperation): readonly string[] => {
    const found = known.get(one.operation.name);
    return found === undefined ? [] : definition(found);
  };
  const shown = (one: ListedOperation): readonly string[] => [
    `${one.operation.name}:`,
    ...lineDifference(before(one), definition(one)),
  ];
  const [added, changed] = [[], []] as [ListedOperation[], ListedOperation[]];
  for (const one of offered ?? []) {
    const hash = known.get(one.operation.name)?.hash;
    if (hash === undefined) added.push(one);
    else if (hash !== one.hash) changed.push(one);
  }
  return [...added, ...changed].flatMap(shown);
};

/** Everything there is to say of it, for people. */
const describe = (tools: ServiceTools): string => {
  const { service, accepted, offered, changes } = tools;
  const now = accepted.length === 0 ? `nothing that ${service} lists was accepted yet` : tableOf(accepted);
  if (offered === null) return now;
  return [
    now,
    '',
    `${service} lists something else now; until you accept it, agents cannot use what differs:`,
    ...changes,
    ...differences(tools),
    `accept it: airlock-ctl service accept ${service}`,
  ].join('\n');
};

const tools = async (context: Context, { args }: Invocation): Promise<void> => {
  const found = await toolsOf(context, args[0] ?? '');
  print(context, found, describe(found));
};

const accept = async (context: Context, { args }: Invocation): Promise<void> => {
  const found = await toolsOf(context, args[0] ?? '');
  const { service, digest, changes } = found;
  if (digest === null) return print(context, found, `${service} lists what was accepted; nothing has to be done`);
  note(context, [...changes, ...differences(found)].join('\n'));
  const accepted = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'service.accept', params: { service, digest, changes } });
    return withGateway(context, (gateway) => ask<ServiceTools>(gateway, 'service.accept', { ticket }));
  });
  print(context, accepted, tableOf(accepted.accepted));
};

/** What was found when the service was added; nothing for kinds whose services list nothing. */
export const foundTools = async (context: Context, service: string): Promise<string> => {
  const { accepted } = await toolsOf(context, service);
  return accepted.length === 0 ? '' : tableOf(accepted);
};

/** Each line marked, so that none of them looks like one of ours. */
export const describeStderr = ({ service, text, at }: ServiceStderr): string =>
  text === null || at === null
    ? `nothing was heard from ${service} since airlock-gateway started; what a program says is kept from its next start on`
    : [
        `${service} wrote to stderr, until ${localTime(at)} (the program's own words):`,
        ...text
          .trimEnd()
          .split('\n')
          .map((line) => `| ${line}`),
      ].join('\n');

const stderr = async (context: Context, { args }: Invocation): Promise<void> => {
  const said = await withGateway(context, (link) => ask<ServiceStderr>(link, 'service.stderr', { service: args[0] ?? '' }));
  print(context, said, describeStderr(said));
};

export const TOOL_COMMANDS: readonly Command[] = [
  {
    name: 'service stderr',
    args: '<service>',
    summary: 'what the program of an upstream MCP service wrote to stderr last, secrets masked',
    run: stderr,
  },
  {
    name: 'service tools',
    args: '<service>',
    summary: 'the operations a service lists itself, and how they differ from what was accepted',
    run: tools,
  },
  {
    name: 'service accept',
    args: '<service>',
    summary: 'let agents use what a service lists now, the difference shown first',
    run: accept,
  },
];
