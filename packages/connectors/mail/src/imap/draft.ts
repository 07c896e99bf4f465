/** save_draft over IMAP: one APPEND to the folder of drafts, and nothing else (MAIL-2). */
import { AirlockError, type ConnectorContext, type OperationResult } from '@airlock/protocol';
import type { Arguments } from '../arguments.js';
import { authorOf, readDraft } from '../compose/asked.js';
import { composeMessage } from '../compose/message.js';
import { decodeFolderName, type ListedFolder } from '../guard/folder-line.js';
import type { ImapClient } from './client.js';

interface Drafts {
  readonly wireName: string;
  readonly name: string;
}

const named = (folder: ListedFolder): readonly Drafts[] => {
  const name = decodeFolderName(folder.wireName);
  const isClosed = folder.attributes.includes('noselect') || folder.attributes.includes('nonexistent');
  return name === null || isClosed ? [] : [{ wireName: folder.wireName, name }];
};

/** The folder that says it is for drafts (RFC 6154 §2); where none says so, the one that is called so. */
const draftsOf = (folders: readonly ListedFolder[]): Drafts => {
  const special = folders.filter(({ attributes }) => attributes.includes('drafts')).flatMap(named);
  const called = folders.flatMap(named).filter(({ name }) => /^(?:INBOX[./])?drafts$/i.test(name));
  const [found] = [...special, ...called];
  if (found !== undefined) return found;
  throw new AirlockError('NOT_FOUND', 'the mailbox has no folder for drafts', {
    hint: 'list_folders shows the folders there are',
  });
};

/** @throws AirlockError PARAMS_INVALID, NOT_FOUND, UPSTREAM_REFUSED: nothing was saved; OUTCOME_UNKNOWN */
export const saveDraft = async (
  context: ConnectorContext,
  client: ImapClient,
  args: Arguments,
  signal: AbortSignal,
): Promise<OperationResult> => {
  const { bytes, messageId } = composeMessage(readDraft(args), authorOf(context), true);
  const { name, wireName } = draftsOf(await client.listFolders(signal));
  await client.append({ name, wireName, bytes, messageId }, signal);
  return { result: { folder: name, message_id: messageId, saved: true }, count: 1 };
};
