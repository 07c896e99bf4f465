/** Looks for a secret where it must not be: memory of a process, files below a directory, the journal. As root. */
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './machine.js';

/** Read at once; needles lie across the edge of two pieces too. */
const PIECE_BYTES = 4 * 1024 * 1024;

/** The forms in which a copy could lie about: as it is, UTF-16 (JavaScript strings), base64 at each alignment, hexadecimal. */
export const formsOf = (secret: string): Readonly<Record<string, Buffer>> => {
  const raw = Buffer.from(secret);
  // The first and last characters of base64 depend on the neighbours, so they are left out.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), raw])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return {
    raw,
    utf16: Buffer.from(secret, 'utf16le'),
    hex: Buffer.from(raw.toString('hex')),
    ...Object.fromEntries(base64.map((text, shift) => [`base64+${shift}`, Buffer.from(text)])),
  };
};

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Readable ranges, without what the kernel shows of itself. */
const rangesOf = (pid: number): Range[] =>
  readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => /^[0-9a-f]+-[0-9a-f]+ r/.test(line) && !/\[(vvar|vsyscall|vvar_vclock)\]/.test(line))
    .map((line) => {
      const [start = '', end = ''] = (line.split(' ')[0] ?? '').split('-');
      return { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16) };
    });

const readAt = (file: number, buffer: Buffer, position: number): number => {
  try {
    return readSync(file, buffer, 0, buffer.length, position);
  } catch {
    // A range that went away, or a page that cannot be read, holds nothing that could be found.
    return 0;
  }
};

export interface Scan {
  readonly bytes: number;
  /** Names of the forms that were found. */
  readonly found: readonly string[];
}

const searchRange = (
  file: number,
  { start, end }: Range,
  forms: Readonly<Record<string, Buffer>>,
  found: Set<string>,
): number => {
  const overlap = Math.max(...Object.values(forms).map((form) => form.length));
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let bytes = 0;
  for (let at = start; at < end; at += PIECE_BYTES - overlap) {
    const view = buffer.subarray(0, Math.min(PIECE_BYTES, end - at));
    const got = view.subarray(0, readAt(file, view, at));
    bytes += got.length;
    for (const [name, form] of Object.entries(forms)) if (got.includes(form)) found.add(name);
  }
  buffer.fill(0);
  return bytes;
};

/** The whole readable memory of a process. */
export const scanMemory = (pid: number, secret: string): Scan => {
  const found = new Set<string>();
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const bytes = rangesOf(pid).reduce((sum, range) => sum + searchRange(file, range, formsOf(secret), found), 0);
    return { bytes, found: [...found] };
  } finally {
    closeSync(file);
  }
};

/** Every regular file below a directory, names included. */
export const scanFiles = (directory: string, secret: string): Scan => {
  const found = new Set<string>();
  const forms = Object.entries(formsOf(secret));
  let bytes = 0;
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) continue;
    const content = Buffer.concat([Buffer.from(path), readFileSync(path)]);
    bytes += content.length;
    for (const [form, needle] of forms) if (content.includes(needle)) found.add(`${form} in ${path}`);
  }
  return { bytes, found: [...found] };
};

/** All units, with every field. */
export const scanJournal = async (secret: string): Promise<Scan> => {
  const text = Buffer.from(await must(['journalctl', '--no-pager', '-o', 'export']));
  const found = Object.entries(formsOf(secret)).filter(([, form]) => text.includes(form));
  return { bytes: text.length, found: found.map(([name]) => name) };
};
