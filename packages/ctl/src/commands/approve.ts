/** approve, deny, pending: the human's answer to what is in front. */
import { AirlockError, type ApproveResult, type PendingResult, type RequestView, type ShownRequest } from '@airlock/protocol';
import { checkCode, noteSummary, noteWait, shownFront, submit } from '../action.js';
import { ask, withTotp, type Context, type Link } from '../context.js';
import { localTime, note, print, table } from '../output.js';
import { textOption, type Command, type Invocation } from './command.js';

const nothingPending = (): AirlockError =>
  new AirlockError('NOT_FOUND', 'nothing waits for approval', { hint: 'an agent asks with: airlock request SCOPE --reason …' });

const wantedFront = (front: ShownRequest | null, wanted: string | undefined): ShownRequest => {
  if (!front) throw nothingPending();
  if (wanted === undefined || front.id === wanted) return front;
  throw new AirlockError('PARAMS_INVALID', `${wanted} is not in front, so no code was sent`, {
    field: '--request',
    expected: front.id,
    found: wanted,
    hint: 'only the front request can be approved; see: airlock-ctl pending',
  });
};

const needsMatch = (front: ShownRequest): AirlockError =>
  new AirlockError(
    'PARAMS_INVALID',
    'the match number is needed: another request waits, or one left a moment ago undecided or denied',
    {
      field: '--match',
      expected: 'the two digits shown with the request and by the agent',
      found: 'nothing',
      hint: `read the request above; if it is the one you mean: airlock-ctl approve CODE --request ${front.id} --match NN`,
    },
  );

/** Copied from where the agent shows it; a terminal asks for it, elsewhere `--match` says it. Undefined: not needed. */
const obtainMatch = async (context: Context, front: ShownRequest, code: string | undefined): Promise<string | undefined> => {
  if (!front.needsMatch) return undefined;
  if (!context.terminal.isTerminal || context.json || code !== undefined) throw needsMatch(front);
  note(context, 'Another request waits, or one left a moment ago undecided or denied.');
  context.terminal.err('match number, as the agent shows it: ');
  const typed = (await context.terminal.line())?.trim() ?? '';
  if (!/^[0-9]{2}$/.test(typed)) throw needsMatch(front);
  return typed;
};

/** On a terminal the code leaves only after Enter under the text it will approve. */
const obtainCode = async (context: Context, front: ShownRequest, given: string | undefined): Promise<string> => {
  noteWait(context, front);
  noteSummary(context, front);
  if (given === undefined) {
    const typed = await context.terminal.secret('code: ');
    if (typed === null)
      throw new AirlockError('PARAMS_INVALID', 'no code was given', {
        field: 'CODE',
        expected: '6 to 8 digits',
        found: 'nothing',
      });
    return checkCode(typed.trim());
  }
  if (context.terminal.isTerminal && !context.json) {
    context.terminal.err('Enter approves this, Ctrl-C does not: ');
    if ((await context.terminal.line()) === null)
      throw new AirlockError('APPROVAL_DENIED', 'given up at the terminal', { hint: 'nothing was sent' });
  }
  return checkCode(given);
};

const approveText = ({ request, lease, grant }: ApproveResult): string => {
  if (grant)
    return `approved ${request}: ${grant.role} may claim ${grant.grant}, ${grant.scopes.join(' ')}, until ${localTime(grant.expiresAt)}`;
  return lease
    ? `approved ${request}: lease ${lease.id} for ${lease.role}, ${lease.scopes.join(' ')}, until ${localTime(lease.expiresAt)}`
    : `approved ${request}`;
};

const approve = async (context: Context, invocation: Invocation): Promise<void> => {
  const { args } = invocation;
  // Before anything is asked: whether or not something waits, this is no code.
  if (args[0] !== undefined) checkCode(args[0]);
  await withTotp(context, async (link) => {
    const front = wantedFront((await shownFront(link)).front, textOption(invocation, 'request'));
    note(context, front.text);
    const match = textOption(invocation, 'match') ?? (await obtainMatch(context, front, args[0]));
    const code = await obtainCode(context, front, args[0]);
    const { request, lease, grant } = await submit(link, front, code, match);
    const result = { request, ...(lease ? { lease } : {}), ...(grant ? { grant } : {}) };
    print(context, result, approveText(result));
  });
};

const oneOrAll = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'one request and --all', {
    field: 'ID',
    expected: 'the id of a request, or --all',
    found: 'both',
    hint: 'to deny one: airlock-ctl deny ID; to deny every one: airlock-ctl deny --all',
  });

const deny = async (context: Context, invocation: Invocation): Promise<void> => {
  const [id] = invocation.args;
  const isAll = invocation.options['all'] === true;
  if (isAll && id !== undefined) throw oneOrAll();
  const reason = textOption(invocation, 'reason');
  const target = isAll ? { all: true } : id === undefined ? {} : { request: id };
  const result = await withTotp(context, (link: Link) =>
    ask<{ denied: readonly string[] }>(link, 'request.deny', { ...target, ...(reason === undefined ? {} : { reason }) }),
  );
  print(context, result, result.denied.length === 0 ? 'nothing waited' : `denied ${result.denied.join(', ')}`);
};

const row = (request: RequestView, place: string): string[] => [
  place,
  request.id,
  request.role,
  request.scopes.join(' ') || request.kind,
  request.match,
  localTime(request.expiresAt),
];

/** Without what only a display needs. */
const plain = (shown: ShownRequest): RequestView =>
  Object.fromEntries(
    Object.entries(shown).filter(([key]) => !['text', 'needsMatch', 'waitS'].includes(key)),
  ) as unknown as RequestView;

const pending = async (context: Context): Promise<void> => {
  const { front, waiting } = await withTotp(context, (link) => ask<PendingResult>(link, 'pending'));
  const rows = waiting.map((request, index) => row(request, String(index + 1)));
  const text = front
    ? `${front.text}\n${rows.length === 0 ? '' : `\n${table(['place', 'request', 'role', 'access', 'match', 'until'], rows)}\n`}\napprove with: airlock-ctl approve${front.needsMatch ? ' --match NN' : ''}`
    : 'nothing waits for approval';
  print(context, { front: front && plain(front), waiting }, text);
};

export const APPROVE_COMMANDS: readonly Command[] = [
  {
    name: 'approve',
    args: '[code]',
    summary: 'approve the request in front; without CODE it is shown and the code is read unseen',
    flags: [
      { flags: '--request <id>', summary: 'only if this request is in front' },
      { flags: '--match <nn>', summary: 'the two digits the agent shows' },
    ],
    run: approve,
  },
  {
    name: 'deny',
    args: '[id]',
    summary: 'deny the request in front, the one named, or all; needs no code',
    flags: [
      { flags: '--all', summary: 'every request that waits' },
      { flags: '--reason <text>', summary: 'told to the agent' },
    ],
    run: deny,
  },
  { name: 'pending', summary: 'what is in front, in full, and what waits behind it', run: pending },
];
