/** grant: access that nobody asked for, which an agent of the role claims. */
import { AirlockError, canonicalScopes, parseConstraints, type Constraints, type GrantView, type Json } from '@airlock/protocol';
import { carryOut } from '../action.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { localTime, print } from '../output.js';
import { listOption, textOption, type Command, type Invocation } from './command.js';

const DEFAULT_MINUTES = 60;
const MAX_MINUTES = 1440;
const MAX_CALLS = 1_000_000;
const MAX_BYTES = 1_000_000_000_000;

type GrantLimits = Constraints & { readonly calls?: number; readonly bytes?: number };

const asText = (value: Json | undefined): string | undefined =>
  value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);

const count = (text: string | undefined, flag: string, most: number): number | undefined => {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,13}$/.test(text) && Number(text) >= 1 && Number(text) <= most) return Number(text);
  throw new AirlockError('PARAMS_INVALID', `${flag}: found ${text.slice(0, 40)}, allowed: a whole number from 1 to ${most}`, {
    field: flag,
    expected: `1 to ${most}`,
    found: text.slice(0, 40),
    hint: `write for example: ${flag} 30`,
  });
};

/** `--calls N` is `--constraint calls=N`. Which keys there are is the gateway's to say, and of what form airlock-totp's. */
const limitsOf = (invocation: Invocation): GrantLimits => {
  const { calls: more, bytes, ...constraints } = parseConstraints(listOption(invocation, 'constraint'));
  const calls = count(textOption(invocation, 'calls') ?? asText(more), '--calls', MAX_CALLS);
  const most = count(asText(bytes), '--constraint bytes', MAX_BYTES);
  return { ...constraints, ...(calls === undefined ? {} : { calls }), ...(most === undefined ? {} : { bytes: most }) };
};

const grantText = ({ grant, role, scopes, expiresAt }: GrantView): string =>
  [
    `granted ${scopes.join(' ')} to role ${role} until ${localTime(expiresAt)}, unclaimed: ${grant}`,
    `tell the agent: airlock claim ${grant}`,
    `take it back:   airlock-ctl revoke ${grant}`,
  ].join('\n');

const lost = (): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the grant was approved and not told here', {
    hint: 'airlock-ctl leases lists it, unclaimed',
  });

const grant = async (context: Context, invocation: Invocation): Promise<void> => {
  const [role = '', ...given] = invocation.args;
  const scopes = canonicalScopes(given);
  const ttlS = (count(textOption(invocation, 'ttl'), '--ttl', MAX_MINUTES) ?? DEFAULT_MINUTES) * 60;
  const { calls, bytes, ...constraints } = limitsOf(invocation);
  const intent = textOption(invocation, 'intent');
  // What no claim could be given costs no code.
  await withGateway(context, (link) => ask(link, 'grant.check', { role, scopes, ttlS, constraints }));
  const params = {
    ...{ role, scopes, ttlS },
    ...(Object.keys(constraints).length === 0 ? {} : { constraints }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(intent === undefined ? {} : { intent }),
    ...(calls === undefined ? {} : { calls }),
  };
  const { grant: view } = await withTotp(context, (link) => carryOut(context, link, { verb: 'grant', params }));
  if (view === undefined) throw lost();
  print(context, view, grantText(view));
};

export const GRANT_COMMANDS: readonly Command[] = [
  {
    name: 'grant',
    args: '<role> <scopes...>',
    summary: 'access that an agent of the role may claim once, unasked; ends when what is approved ends',
    flags: [
      { flags: '--ttl <minutes>', summary: `from approval, whenever it is claimed (default ${DEFAULT_MINUTES})` },
      { flags: '--intent <text>', summary: 'bind the lease to this task' },
      { flags: '--calls <n>', summary: 'at most this many calls' },
      {
        flags: '--constraint <key=value>',
        summary: 'narrow it, e.g. folders=INBOX or bytes=100000; may be given again',
        many: true,
      },
    ],
    run: grant,
  },
];
