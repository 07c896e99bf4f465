/** The text of a request of kind `action` (docs/spec/approval.md "Text of an action"). */
import { parseProgram, type Action, type Destination, type Settings } from '@airlock/protocol';
import type { GrantParams } from '../register/grants.js';
import { escapeText, quoteText, wordText } from './escape.js';
import { limitLines } from './limit-words.js';
import { layOutLine, layOutText, listLines, type Line } from './lines.js';
import { durationText } from './renewal-text.js';

export interface ActionFacts {
  readonly id: string;
  readonly operator: string;
  readonly action: Action;
  readonly match: string;
}

const ROTATE_ENDS = 'every lease that lives now ends, of all operators';
const ROTATE_KEEPS = 'those that live now go on until their own end';

const DEEDS: Readonly<Record<Action['verb'], string>> = {
  'service.add': 'add a service',
  'service.remove': 'remove a service and its credential',
  'service.test': 'log in to a service once, and out again',
  'service.accept': 'let agents use the operations that a service lists now',
  'credentials.add': 'store a credential',
  'credentials.get': 'show a credential on this terminal',
  'credentials.remove': 'remove a credential',
  grant: 'grant access that an agent may claim, once',
  unblock: 'let an agent go on that was blocked',
  'policy.apply': 'let agents do more: apply changed policies',
  unlock: 'unlock: leases that were frozen work again',
  'totp.reset': 'enrol another phone: this one stops approving',
  rotate: 'change the keys of leases and of credentials',
  restore: 'restore a backup: phone, services and credentials of now are replaced',
  'service.restore': 'hold a service of a backup',
};

/** The command, word by word, so that no word looks like two. */
const programLines = (program: string): string[] => {
  const { argv, env } = parseProgram(program);
  const variables = Object.entries(env).map(([name, value]) => `${wordText(name)}=${quoteText(value)}`);
  return [`program ${argv.map(quoteText).join(' ')}`, ...(variables.length === 0 ? [] : [`with ${variables.join(' ')}`])];
};

/** Every place the credential may be used at, with the pinned certificate key where there is one. */
const placesOf = (destination: Destination): string[] => {
  const as = destination.user === '' ? '' : ` as ${wordText(destination.user)}`;
  if ('path' in destination) return [`path ${quoteText(destination.path)}${as}`];
  const programs = 'program' in destination ? programLines(destination.program) : [];
  if (destination.origins.length === 0) return [...programs, programs.length === 0 ? 'nowhere' : 'network: none'];
  const origins = destination.origins.map(({ scheme, host, port, tlsPin }) => {
    const pin = tlsPin === undefined ? '' : ` (TLS pin ${wordText(tlsPin)})`;
    return `${wordText(scheme)}://${wordText(host)}:${port}${as}${pin}`;
  });
  return [...programs, ...origins];
};

const settingLines = (settings: Settings): string[] => {
  const lines = Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${wordText(key)} = ${typeof value === 'string' ? quoteText(value) : String(value)}`);
  return lines.length === 0 ? ['none'] : lines;
};

const secretsLine = (fields: readonly string[], what: string): Line => ({
  label: 'secrets',
  value: `${fields.length === 0 ? 'none' : fields.map(wordText).join(', ')} (${what})`,
});

const sealing = ({ fields, test }: { fields: readonly string[]; test: boolean }): Line[] => [
  secretsLine(fields, 'sealed, never shown'),
  { label: 'test', value: test ? 'log in once before anything is stored' : 'none: stored without trying' },
];

const serviceLine = (service: string): Line => ({ label: 'service', value: wordText(service) });

/** The intent is the operator's own words: nobody else wrote any of this. */
const grantLines = ({ role, scopes, ttlS, intent, calls, bytes, constraints = {} }: GrantParams): Line[] => [
  { label: 'role', value: wordText(role) },
  ...listLines('access', scopes.map(wordText)),
  { label: 'for', value: `${durationText(ttlS)} from approval, whenever it is claimed` },
  { label: 'intent', value: intent === undefined ? 'none' : quoteText(intent) },
  ...listLines(
    'limits',
    limitLines(constraints, { ...(calls === undefined ? {} : { calls }), ...(bytes === undefined ? {} : { bytes }) }),
  ),
];

const unblockLines = ({ role, session }: { readonly role: string; readonly session?: string }): Line[] => [
  { label: 'role', value: wordText(role) },
  { label: 'session', value: session === undefined ? 'all of the role' : wordText(session) },
];

const detailsOf = (action: Action): Line[] => {
  switch (action.verb) {
    case 'service.add':
      return [
        serviceLine(action.params.service),
        { label: 'kind', value: wordText(action.params.kind) },
        ...listLines('to', placesOf(action.params.destination)),
        ...listLines('settings', settingLines(action.params.settings)),
        ...sealing(action.params),
      ];
    case 'credentials.add':
      return [
        serviceLine(action.params.service),
        { label: 'kind', value: wordText(action.params.kind) },
        ...listLines('to', placesOf(action.params.destination)),
        ...sealing(action.params),
      ];
    case 'credentials.get':
      return [serviceLine(action.params.service), secretsLine(action.params.fields, 'shown in the clear')];
    case 'credentials.remove':
      return [serviceLine(action.params.service), secretsLine(action.params.fields, 'removed for good')];
    case 'restore':
      return [
        { label: 'made', value: wordText(action.params.made) },
        { label: 'content', value: wordText(action.params.digest) },
      ];
    case 'service.remove':
    case 'service.restore':
    case 'service.test':
      return [serviceLine(action.params.service)];
    case 'service.accept':
      return [
        serviceLine(action.params.service),
        ...listLines('changes', action.params.changes.map(escapeText)),
        { label: 'list', value: wordText(action.params.digest) },
      ];
    case 'grant':
      return grantLines(action.params);
    case 'unblock':
      return unblockLines(action.params);
    case 'policy.apply':
      return [
        ...listLines('changes', action.params.changes.map(escapeText)),
        { label: 'rules', value: wordText(action.params.digest) },
      ];
    case 'rotate':
      return [{ label: 'leases', value: action.params.endLeases === true ? ROTATE_ENDS : ROTATE_KEEPS }];
    case 'unlock':
    case 'totp.reset':
      return [];
  }
};

export const actionText = ({ id, operator, action, match }: ActionFacts): string =>
  layOutText(`Airlock action ${id}`, [
    { label: 'you', value: `operator ${quoteText(operator)}` },
    { label: 'do', value: DEEDS[action.verb] },
    ...detailsOf(action),
    { label: 'match', value: match },
  ]);

/** What the second code of an enrolment approves as well (ENROL-5): one block for each action, in the order of the list. */
export const enrolmentText = (operator: string, actions: readonly Action[]): string =>
  [
    layOutText('Airlock enrolment', [{ label: 'you', value: `operator ${quoteText(operator)}` }]),
    ...actions.map((action) => [{ label: 'do', value: DEEDS[action.verb] }, ...detailsOf(action)].map(layOutLine).join('\n')),
  ].join('\n\n');

/** One line for lists. */
export const actionSummary = (action: Action): string => {
  if (action.verb === 'unblock') return `${DEEDS.unblock}: ${wordText(action.params.role)}`;
  if (action.verb !== 'grant') return serviceSummary(action);
  const { role, scopes, ttlS } = action.params;
  return `grant ${wordText(role)}: ${scopes.map(wordText).join(' ')} for ${durationText(ttlS)}`;
};

const serviceSummary = (action: Action): string =>
  'service' in action.params ? `${DEEDS[action.verb]}: ${wordText(action.params.service)}` : DEEDS[action.verb];
