/**
 * Constraints of a lease on a mailbox, for IMAP and maildir alike (docs/spec/mail.md).
 *
 * MAIL-18  only the folders of the lease are named, opened or reached by id; names are compared exactly.
 * MAIL-19  a call returns no more items than the lease allows.
 */
import { AirlockError, type ConnectorSession, type Json, type OperationResult, type Params } from '@airlock/protocol';
import { decodeId } from './ids.js';

type Constraints = Readonly<Record<string, Json>>;

const foldersOf = ({ folders }: Constraints): readonly Json[] | null =>
  folders === undefined ? null : Array.isArray(folders) ? (folders as Json[]) : [];
const mostOf = ({ maxResults }: Constraints): number =>
  maxResults === undefined ? Infinity : typeof maxResults === 'number' ? maxResults : 0;

const BY_ID: ReadonlySet<string> = new Set(['get_message', 'get_attachment']);
const BY_FOLDER: ReadonlySet<string> = new Set(['list_messages', 'search', 'count_unread']);

const outside = (field: string): AirlockError =>
  new AirlockError('CONSTRAINT', 'the lease does not reach this folder', {
    field: `params.${field}`,
    hint: 'list_folders shows the folders of the lease',
  });

/** @throws AirlockError CONSTRAINT (MAIL-18) */
const checkFolder = (name: string, params: Params, folders: readonly Json[]): void => {
  const { id, folder = 'INBOX' } = params;
  if (BY_ID.has(name) && typeof id === 'string' && !folders.includes(decodeId(id).folder)) throw outside('id');
  if (BY_FOLDER.has(name) && !folders.includes(folder)) throw outside('folder');
};

/** The page is asked for no larger than allowed, so that its cursor goes on where it ends. */
const withLimit = (name: string, params: Params, most: number): Params => {
  if (name !== 'list_messages' && name !== 'search') return params;
  const { limit = 20 } = params;
  return typeof limit === 'number' && limit > most ? { ...params, limit: most } : params;
};

const shownFolders = (answer: OperationResult, folders: readonly Json[] | null, most: number): OperationResult => {
  const listed = (answer.result as { readonly folders: readonly { readonly name: string }[] }).folders;
  const shown = listed.filter(({ name }) => folders?.includes(name) !== false).slice(0, most === Infinity ? undefined : most);
  return { ...answer, result: { folders: shown as unknown as Json }, count: shown.length };
};

/** The session held to the constraints of each call. */
export const constrained = (session: ConnectorSession): ConnectorSession => ({
  execute: async (name, params, call) => {
    const [folders, most] = [foldersOf(call.constraints), mostOf(call.constraints)];
    if (folders !== null) checkFolder(name, params, folders);
    const answer = await session.execute(name, withLimit(name, params, most), call);
    return name === 'list_folders' ? shownFolders(answer, folders, most) : answer;
  },
  close: () => session.close(),
});
