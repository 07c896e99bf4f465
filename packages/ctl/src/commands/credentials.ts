/** credentials add|list|get|remove: sealed in this process, opened nowhere but in a cell, or here after a code. */
import { AirlockError, type RecordResult, type ServiceChanged } from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, note, print, printRaw, table } from '../output.js';
import { openFields, sealFields } from '../seal.js';
import { fieldNames, readFields } from './fields.js';
import { findKind, findService, services } from './service.js';
import type { Command, Invocation } from './command.js';

const TRIAL_TIMEOUT_MS = 75_000;

const add = async (context: Context, { args, options }: Invocation): Promise<void> => {
  const { service, kind, destination } = await findService(context, args[0] ?? '');
  const manifest = await findKind(context, kind);
  const all = Object.keys(manifest.credential.fields);
  const fields = fieldNames(manifest, args.slice(1));
  if (all.length === 0)
    throw new AirlockError('PARAMS_INVALID', `${service} (${kind}) has no credential`, {
      field: 'SERVICE',
      expected: 'a service with a credential',
      found: kind,
      hint: 'nothing has to be done',
    });
  if (fields.length !== all.length) {
    throw new AirlockError('PARAMS_INVALID', `a record is sealed whole: give all of ${all.join(', ')}`, {
      field: 'FIELD',
      expected: all.join(', '),
      found: fields.join(', '),
      hint: `airlock-ctl credentials add ${service}`,
    });
  }
  const values = await readFields(context, manifest, fields);
  const test = options['test'] !== false;
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, {
      verb: 'credentials.add',
      params: { service, kind, destination, fields, test },
    });
    const record = await sealFields(link, ticket, values);
    if (test) note(context, 'airlock: logging in once in a cell before anything is stored …');
    await withGateway(context, (gateway) =>
      ask<ServiceChanged>(gateway, 'credentials.put', { ticket, record }, TRIAL_TIMEOUT_MS),
    );
  });
  print(context, { service, fields }, `sealed ${fields.join(', ')} of ${service}`);
};

const list = async (context: Context): Promise<void> => {
  const sealed = (await services(context)).filter(({ updatedAt }) => updatedAt !== null);
  const value = sealed.map(({ service, fields, updatedAt }) => ({ service, fields, updatedAt }));
  const text =
    value.length === 0
      ? 'no credential is stored'
      : table(
          ['service', 'fields', 'since'],
          value.map((one) => [one.service, one.fields.join(' '), localTime(one.updatedAt ?? '')]),
        );
  print(context, value, text);
};

/** A refusal that holds whatever code is given: the terminal of a shared user is the agent's too. */
const refuseSameUser = async (context: Context): Promise<void> => {
  const { isolation } = await withGateway(context, (link) => ask<{ isolation: string }>(link, 'status'));
  if (isolation !== 'same-user') return;
  throw new AirlockError('POLICY_DENIED', 'agent and operator are one user here, so credentials are not printed', {
    hint: 'give agents a user of their own: sudo ./install.sh --agent-user NAME',
  });
};

const get = async (context: Context, { args }: Invocation): Promise<void> => {
  const { service, fields: stored } = await findService(context, args[0] ?? '');
  const fields = args[1] === undefined ? [...stored] : [args[1]];
  const unknown = fields.find((name) => !stored.includes(name));
  if (fields.length === 0 || unknown !== undefined) {
    throw new AirlockError('NOT_FOUND', `${service} has no stored ${unknown ?? 'credential'}`, {
      field: 'FIELD',
      expected: stored.join(', ') || 'none stored',
      found: unknown ?? 'none',
      hint: `airlock-ctl credentials add ${service}`,
    });
  }
  await refuseSameUser(context);
  const opened = await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'credentials.get', params: { service, fields } });
    const { record } = await withGateway(context, (gateway) => ask<RecordResult>(gateway, 'credentials.record', { service }));
    return openFields(link, ticket, service, record);
  });
  const value = Object.fromEntries(fields.map((name) => [name, opened[name] ?? '']));
  printRaw(context, { service, fields: value }, fields.map((name) => value[name] ?? '').join('\n'));
};

const remove = async (context: Context, { args }: Invocation): Promise<void> => {
  const { service, fields: stored } = await findService(context, args[0] ?? '');
  const [field] = args.slice(1);
  if (field !== undefined && stored.length > 1) {
    throw new AirlockError('PARAMS_INVALID', 'a record is sealed whole and removed whole', {
      field: 'FIELD',
      expected: 'no FIELD',
      found: field,
      hint: `airlock-ctl credentials remove ${service}`,
    });
  }
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, { verb: 'credentials.remove', params: { service, fields: [...stored] } });
    await withGateway(context, (gateway) => ask(gateway, 'credentials.remove', { ticket }));
  });
  print(context, { service, removed: stored }, `removed the credential of ${service}`);
};

export const CREDENTIAL_COMMANDS: readonly Command[] = [
  {
    name: 'credentials add',
    args: '<service> [fields...]',
    summary: 'seal the secrets of a service; the login is tried before anything is stored',
    flags: [
      { flags: '--stdin', summary: 'secrets are lines of stdin, then the code' },
      { flags: '--no-test', summary: 'store without trying the login' },
    ],
    run: add,
  },
  { name: 'credentials list', summary: 'which secrets are sealed; never their values', run: list },
  { name: 'credentials get', args: '<service> [field]', summary: 'print a secret to stdout, after a code typed here', run: get },
  { name: 'credentials remove', args: '<service> [field]', summary: 'remove the sealed secrets of a service', run: remove },
];
