/** The operations of an account: what IMAP reads and saves, and what SMTP sends. */
import {
  AirlockError,
  type ConnectorContext,
  type ConnectorSession,
  type Json,
  type OperationResult,
  type Params,
} from '@airlock/protocol';
import { Arguments } from '../arguments.js';
import { WRITE_PARAMS } from '../compose/asked.js';
import { Marks } from '../attachment.js';
import type { DialOptions } from '../dial.js';
import { folderJson } from '../folders.js';
import { decodeFolderName } from '../guard/folder-line.js';
import { LIMITS } from '../limits.js';
import { isWhole, reachOf } from '../reach.js';
import { sendMessage } from '../smtp/send.js';
import type { ImapClient } from './client.js';
import { saveDraft } from './draft.js';
import { countWithin, listMessages, searchFields, searchMessages } from './list.js';
import { Mailbox, type MailboxOptions } from './mailbox.js';
import { getAttachment, getMessage } from './message.js';
import { SenderMemory, type Within } from './within.js';

type Run = (client: ImapClient, args: Arguments, signal: AbortSignal, within: Within) => Promise<OperationResult>;

interface Operation {
  readonly params: readonly string[];
  readonly run: Run;
}

const listFolders: Run = async (client, _args, signal) => {
  const listed = (await client.listFolders(signal)).slice(0, LIMITS.maxFolders);
  const folders = listed.flatMap(({ wireName, attributes }): Json[] => {
    const name = decodeFolderName(wireName);
    const folder = name === null ? null : folderJson(name, attributes);
    return folder === null ? [] : [folder];
  });
  return { result: { folders }, count: folders.length };
};

const countUnread: Run = async (client, args, signal, within) => {
  const folder = args.folder();
  if (!isWhole(within.reach)) return countWithin(client, folder, within, signal);
  const { unseen, total } = await client.status(folder, signal);
  return { result: { folder, unread: unseen, total }, count: unseen };
};

const dialling = ({ lookup, ca }: MailboxOptions): Omit<DialOptions, 'signal'> => ({
  ...(lookup ? { lookup } : {}),
  ...(ca === undefined ? {} : { ca }),
});

const operationsOf = (context: ConnectorContext, marks: Marks, options: MailboxOptions): ReadonlyMap<string, Operation> =>
  new Map<string, Operation>([
    ['list_folders', { params: [], run: listFolders }],
    ['list_messages', { params: ['folder', 'limit', 'cursor'], run: listMessages }],
    ['search', { params: searchFields(context.destination.kind === 'gmail'), run: searchMessages }],
    ['get_message', { params: ['id', 'max_chars'], run: getMessage }],
    [
      'get_attachment',
      {
        params: ['id', 'part', 'offset', 'length'],
        run: (client, args, signal, within) => getAttachment(client, args, marks, signal, within),
      },
    ],
    ['count_unread', { params: ['folder'], run: countUnread }],
    ['save_draft', { params: WRITE_PARAMS, run: (client, args, signal) => saveDraft(context, client, args, signal) }],
    [
      'send_message',
      { params: WRITE_PARAMS, run: (_client, args, signal) => sendMessage(context, args, signal, dialling(options)) },
    ],
  ]);

/**
 * Opens a mailbox and logs in.
 * @param options for tests only.
 * @throws AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT, UNAVAILABLE with `data.found`; CONFIG_INVALID.
 */
export const openImapSession = async (context: ConnectorContext, options: MailboxOptions = {}): Promise<ConnectorSession> => {
  const mailbox = new Mailbox(context, options);
  await mailbox.connect(new AbortController().signal);
  const memory = new SenderMemory();
  const operations = operationsOf(context, new Marks(), options);
  return {
    execute: async (name, params: Params, { signal, constraints }) => {
      const operation = operations.get(name);
      if (!operation)
        throw new AirlockError('OPERATION_UNKNOWN', 'mail has no such operation', {
          expected: [...operations.keys()].join(', '),
        });
      const args = new Arguments(params, operation.params, mailbox.checkArguments);
      const within = { reach: reachOf(constraints), memory };
      return mailbox.inTurn(signal, (client) => operation.run(client, args, signal, within));
    },
    close: async () => {
      mailbox.close();
      return Promise.resolve();
    },
  };
};
