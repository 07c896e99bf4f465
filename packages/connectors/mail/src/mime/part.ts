/** A MIME tree, whether a server described it (BODYSTRUCTURE) or we read it ourselves (maildir), and the choice of its body. */
import { cleanLine } from '../text/clean.js';
import { LIMITS } from '../limits.js';

export interface Part {
  /** Number of the part as in IMAP (RFC 3501 §6.4.5); empty for a multipart. */
  readonly path: string;
  /** `text/plain`, `multipart/mixed` …, lower case. */
  readonly type: string;
  readonly charset: string | null;
  /** Content-Transfer-Encoding in lower case. */
  readonly encoding: string;
  /** Bytes as transferred, before decoding. */
  readonly encodedSize: number;
  readonly disposition: string | null;
  readonly filename: string | null;
  readonly contentId: string | null;
  readonly children: readonly Part[];
}

/** An attachment as a list shows it. */
export interface AttachmentInfo {
  readonly part: string;
  readonly filename: string | null;
  readonly type: string;
  readonly size: number;
}

const isMultipart = (part: Part): boolean => part.type.startsWith('multipart/');

const isBodyText = (part: Part): boolean =>
  (part.type === 'text/plain' || part.type === 'text/html') && part.disposition !== 'attachment' && part.filename === null;

const leaves = (part: Part): readonly Part[] => (isMultipart(part) ? part.children.flatMap(leaves) : [part]);

/** The text parts a human reads, in order; of alternatives the one in the preferred type. */
export const bodyParts = (part: Part, prefer: 'text/plain' | 'text/html'): readonly Part[] => {
  if (!isMultipart(part)) return isBodyText(part) ? [part] : [];
  const each = part.children.map((child) => bodyParts(child, prefer)).filter((parts) => parts.length > 0);
  if (part.type !== 'multipart/alternative') return each.flat();
  return each.find((parts) => parts.some(({ type }) => type === prefer)) ?? each[0] ?? [];
};

const isEmbedded = (part: Part): boolean =>
  part.contentId !== null && part.disposition !== 'attachment' && part.type.startsWith('image/');

/** Bytes after decoding; for base64 reckoned from lines of 76 characters (RFC 2045 §6.8). */
export const decodedSize = (part: Part): number =>
  part.encoding === 'base64' ? Math.floor((part.encodedSize * 57) / 78) : part.encodedSize;

/** Everything that is neither body text nor an image embedded in it. */
export const attachmentsOf = (part: Part): readonly AttachmentInfo[] =>
  leaves(part)
    .filter((leaf) => !isBodyText(leaf) && !isEmbedded(leaf))
    .slice(0, LIMITS.maxAttachments)
    .map((leaf) => ({
      part: leaf.path,
      filename: safeFilename(leaf.filename),
      type: cleanLine(leaf.type, 100),
      size: decodedSize(leaf),
    }));

/** The leaf of this number, or null. */
export const findPart = (part: Part, path: string): Part | null => leaves(part).find((leaf) => leaf.path === path) ?? null;

/** A name without directories. */
export const safeFilename = (filename: string | null): string | null => {
  const name = cleanLine(filename ?? '', 255).replace(/^.*[/\\]/, '');
  return name === '' || /^\.+$/.test(name) ? null : name;
};
