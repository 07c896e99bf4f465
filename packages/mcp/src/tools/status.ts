/** `airlock_status`: the role, what it may get, what it has, what waits, and what is held up and why. */
import type { AccessStatus } from '@airlock/client';
import { isoTime, presenceText } from '@airlock/protocol';
import { onlyKnown } from '../arguments.js';
import type { HeldAccess } from '../broker.js';
import { outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { closedSchema, type OwnTool } from './own-tool.js';

const OBJECTS = { type: 'array', items: { type: 'object' } };
const MAYBE = { type: ['object', 'null'] };

const taintNote = ({ tainted, taint }: AccessStatus): string[] => {
  if (!tainted) return [];
  const by = taint === null ? '' : `: ${taint.service}.${taint.operation}, ${isoTime(taint.sinceMs)}`;
  return [
    `This session has read what others wrote (tainted${by}). Until the operator ends it, each operation that writes or sends something out needs an approval of its own.`,
  ];
};

const blockNote = ({ blocked }: AccessStatus): string[] => {
  if (blocked === null) return [];
  const who = blocked.session === null ? `The role ${blocked.role}` : 'This session';
  return [
    `${who} is blocked until ${blocked.until} (${blocked.kind}): ${blocked.reason}. Stop, look at what went wrong, then wait; the operator can end it: airlock-ctl unblock ${blocked.role}.`,
  ];
};

const frozenNote = ({ locked, frozen = [] }: AccessStatus): string[] => {
  if (!locked) return [];
  return frozen.length === 0
    ? ['The operator has locked Airlock: every call is refused until airlock-ctl unlock.']
    : [
        `Every call is refused: ${presenceText(frozen)}. When the operator is back, reading goes on; what writes or sends something out then needs an approval of its own.`,
      ];
};

const waitingNote = ({ pending, grants }: AccessStatus): string[] => [
  ...pending.map(({ request, match }) => `Request ${request} (match number ${match}) waits for the human: airlock_wait.`),
  ...grants.map(({ id, scopes }) => `${scopes.join(', ')} is granted and waits for airlock_claim {"grant": "${id}"}.`),
];

/** What holds the agent up, each in a sentence that says what to do. */
export const notesOf = (status: AccessStatus): readonly string[] => [
  ...blockNote(status),
  ...taintNote(status),
  ...frozenNote(status),
  ...waitingNote(status),
];

/** A lease that was narrowed here is shown as it is used. */
const asUsed = (status: AccessStatus, held: readonly HeldAccess[]): AccessStatus => ({
  ...status,
  leases: status.leases.map((lease) => {
    const { scopes, expiresAt } = held.find(({ id }) => id === lease.id) ?? lease;
    return { ...lease, scopes, expiresAt };
  }),
});

export const statusTool: OwnTool = {
  definition: {
    name: 'airlock_status',
    title: 'What Airlock gives access to',
    description:
      'Shows which services exist, which leases are live until when, which access requests wait for the human, which grants can be claimed, and what is held up and why.',
    inputSchema: closedSchema({}, []),
    outputSchema: outputSchema(
      {
        role: text,
        session: text,
        locked: { type: 'boolean' },
        frozen: texts,
        tainted: { type: 'boolean' },
        taint: MAYBE,
        blocked: MAYBE,
        notes: texts,
        leases: OBJECTS,
        pending: OBJECTS,
        grants: OBJECTS,
        services: OBJECTS,
      },
      ['role', 'session', 'locked', 'tainted', 'taint', 'blocked', 'notes', 'leases', 'pending', 'grants', 'services'],
    ),
    annotations: { readOnlyHint: true, destructiveHint: false, openWorldHint: false },
  },
  async run(broker, args) {
    onlyKnown(args, []);
    const airlock = await broker.open();
    await broker.collect();
    const [status, services] = await Promise.all([airlock.status(), airlock.services()]);
    const answer = { ...asUsed(status, broker.held), notes: notesOf(status), services };
    return toolResult([...answer.notes, JSON.stringify(answer, null, 2)].join('\n'), answer);
  },
};
