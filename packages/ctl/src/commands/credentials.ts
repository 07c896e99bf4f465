/** credentials add|list|get|remove: sealed in this process, opened nowhere but in a cell, or here after a code. */
import { AirlockError, type Action, type ConnectorManifest, type RecordResult, type ServiceView } from '@airlock/protocol';
import { approveAction } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, print, printRaw, table } from '../output.js';
import { openFields } from '../seal.js';
import { fieldNames, readFields, requiredFields } from '../setup/fields.js';
import { storeService } from '../setup/store.js';
import { findKind, findService, services } from './service.js';
import type { Command, Invocation } from './command.js';

/** A record is sealed whole, so what it cannot do without has to be given together. */
const checkWhole = (service: string, manifest: ConnectorManifest, fields: readonly string[]): void => {
  const required = requiredFields(manifest);
  const missing = required.filter((name) => !fields.includes(name));
  if (Object.keys(manifest.credential.fields).length === 0 && manifest.credential.named === undefined)
    throw new AirlockError('PARAMS_INVALID', `${service} (${manifest.kind}) has no credential`, {
      field: 'SERVICE',
      expected: 'a service with a credential',
      found: manifest.kind,
      hint: 'nothing has to be done',
    });
  if (missing.length === 0) return;
  throw new AirlockError('PARAMS_INVALID', `a record is sealed whole: give all of ${required.join(', ')}`, {
    field: 'FIELD',
    expected: required.join(', '),
    found: fields.join(', '),
    hint: `airlock-ctl credentials add ${service}`,
  });
};

const add = async (context: Context, { args, options }: Invocation): Promise<void> => {
  const { service, kind, destination, fields: stored } = await findService(context, args[0] ?? '');
  const manifest = await findKind(context, kind);
  const wanted = args.length > 1 || manifest.credential.named === undefined ? args.slice(1) : stored;
  const names = fieldNames(manifest, wanted);
  checkWhole(service, manifest, names);
  const values = await readFields(context, manifest, names);
  const fields = Object.keys(values);
  const test = options['test'] !== false;
  const action: Action = { verb: 'credentials.add', params: { service, kind, destination, fields, test } };
  const again = `airlock-ctl credentials add ${service}`;
  await withTotp(context, async (link) => {
    const ticket = await approveAction(context, link, action);
    await storeService(context, link, { method: 'credentials.put', ticket, service, manifest, destination, values, test, again });
  });
  print(context, { service, fields }, `sealed ${fields.join(', ') || 'an empty record'} of ${service}`);
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
  const { service, fields: named, updatedAt } = await findService(context, args[0] ?? '');
  const stored = updatedAt === null ? [] : named;
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

/** One field of several: what leaves the same record behind without it, where there is such a way. */
const refusePartial = async (context: Context, service: ServiceView, field: string): Promise<void> => {
  const { fields } = service;
  if (!fields.includes(field))
    throw new AirlockError('NOT_FOUND', `${service.service} has no stored ${field}`, {
      field: 'FIELD',
      expected: fields.join(', ') || 'none stored',
      found: field,
      hint: 'airlock-ctl credentials list shows what is stored',
    });
  const rest = fields.filter((name) => name !== field);
  if (rest.length === 0) return;
  const required = requiredFields(await findKind(context, service.kind));
  const without = `seal it anew without ${field}: airlock-ctl credentials add ${service.service} ${rest.join(' ')}`;
  const whole = `${service.service} does not work without ${field}; to remove all of it: airlock-ctl credentials remove ${service.service}`;
  throw new AirlockError('PARAMS_INVALID', 'a record is sealed whole, so no part of it can be taken out', {
    field: 'FIELD',
    expected: 'no FIELD',
    found: field,
    hint: required.includes(field) ? whole : without,
  });
};

const remove = async (context: Context, { args }: Invocation): Promise<void> => {
  const found = await findService(context, args[0] ?? '');
  const { service, fields: stored, updatedAt } = found;
  const [field] = args.slice(1);
  if (updatedAt === null)
    throw new AirlockError('NOT_FOUND', `no credential is stored for ${service}`, {
      hint: `nothing has to be done; to remove the service itself: airlock-ctl service remove ${service}`,
    });
  if (field !== undefined) await refusePartial(context, found, field);
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
    summary: 'seal the secrets of a service (all fields, or the named ones and no others); the login is tried first',
    flags: [
      { flags: '--stdin', summary: 'secrets are lines of stdin, then the code' },
      { flags: '--no-test', summary: 'store without trying the login' },
    ],
    run: add,
  },
  { name: 'credentials list', summary: 'which secrets are sealed; never their values', run: list },
  { name: 'credentials get', args: '<service> [field]', summary: 'print a secret to stdout, after a code typed here', run: get },
  {
    name: 'credentials remove',
    args: '<service> [field]',
    summary: 'remove the sealed record of a service, which is one whole',
    run: remove,
  },
];
