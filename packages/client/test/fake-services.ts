/** The services of the scripted gateway: two of mail with the same tools, one with an operation of its own kind. */
import type { OperationSummary, ServiceSummary, ToolDescription } from '@airlock/protocol';

const PAGE_PARAMS = {
  type: 'object',
  additionalProperties: false,
  properties: { folder: { type: 'string' }, limit: { type: 'integer', minimum: 1, maximum: 100 } },
};

const read = (name: string, tool: string, summary: string): OperationSummary => ({
  name,
  tool,
  class: 'read',
  outward: false,
  untrusted: true,
  summary,
  approval: false,
});

const MAIL: readonly OperationSummary[] = [
  read('list_messages', 'list_emails', 'Lists messages'),
  read('search', 'search_emails', 'Finds messages'),
  read('get_message', 'get_email', 'Gets one message'),
  { ...read('count_unread', 'count_unread', 'Counts unread messages'), untrusted: false },
];

export const GMAIL: ServiceSummary = { service: 'gmail', kind: 'gmail', title: 'Gmail', operations: MAIL };
export const WORK: ServiceSummary = { service: 'work', kind: 'imap', title: 'Work mail', operations: MAIL };
export const NOTES: ServiceSummary = {
  service: 'notes',
  kind: 'notes',
  title: 'Notes',
  operations: [{ name: 'add_note', class: 'write', outward: true, untrusted: false, summary: 'Adds a note', approval: true }],
};

const PARAMS: Readonly<Record<string, object>> = {
  get_message: {
    type: 'object',
    additionalProperties: false,
    required: ['id'],
    properties: { id: { type: 'string', minLength: 1 } },
  },
};

/** What tools.describe says of `service.operation`. */
export const describeTool = (services: readonly ServiceSummary[], name: string): ToolDescription | null => {
  const [service = '', operation = ''] = name.split('.');
  const summary = services
    .find((candidate) => candidate.service === service)
    ?.operations.find((candidate) => candidate.name === operation);
  if (summary === undefined) return null;
  const params = PARAMS[operation] ?? PAGE_PARAMS;
  return { ...summary, service, params: params as ToolDescription['params'], result: { type: 'object' } };
};
