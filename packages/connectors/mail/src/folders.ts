/** Folders as list_folders shows them. */
import type { Json } from '@airlock/protocol';
import { cleanLine } from './text/clean.js';

const ROLES = ['all', 'archive', 'drafts', 'flagged', 'important', 'junk', 'sent', 'trash'] as const;

/** What a folder is for (RFC 6154 special use), or null. */
export const roleOf = (name: string, attributes: readonly string[]): string | null =>
  name.toUpperCase() === 'INBOX' ? 'inbox' : (ROLES.find((role) => attributes.includes(role)) ?? null);

/** null where the name would change by being cleaned: it could not be used to open the folder then. */
export const folderJson = (name: string, attributes: readonly string[]): Json | null =>
  name === '' || cleanLine(name, 255) !== name
    ? null
    : {
        name,
        role: roleOf(name, attributes),
        selectable: !attributes.includes('noselect') && !attributes.includes('nonexistent'),
      };
