/** The operations of an IMAP mailbox. */
import {
  AirlockError,
  type ConnectorContext,
  type ConnectorSession,
  type Json,
  type OperationResult,
  type Params,
} from '@airlock/protocol';
import { Arguments } from '../arguments.js';
import { Marks } from '../attachment.js';
import { folderJson } from '../folders.js';
import { decodeFolderName } from '../guard/folder-line.js';
import { LIMITS } from '../limits.js';
import { isWhole, reachOf } from '../reach.js';
import type { ImapClient } from './client.js';
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

const operationsOf = (gmail: boolean, marks: Marks): ReadonlyMap<string, Operation> =>
  new Map<string, Operation>([
    ['list_folders', { params: [], run: listFolders }],
    ['list_messages', { params: ['folder', 'limit', 'cursor'], run: listMessages }],
    ['search', { params: searchFields(gmail), run: searchMessages }],
    ['get_message', { params: ['id', 'max_chars'], run: getMessage }],
    [
      'get_attachment',
      {
        params: ['id', 'part', 'offset', 'length'],
        run: (client, args, signal, within) => getAttachment(client, args, marks, signal, within),
      },
    ],
    ['count_unread', { params: ['folder'], run: countUnread }],
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
  const operations = operationsOf(context.destination.kind === 'gmail', new Marks());
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
