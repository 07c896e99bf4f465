/** Writes a tar archive in memory: POSIX.1-1988 ustar, regular files alone, the same bytes for the same files. */

export interface NamedFile {
  /** Relative, with `/`, at most 100 bytes of ASCII. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** POSIX ustar: header and padding. */
const BLOCK = 512;

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

const header = ({ name, bytes }: NamedFile, mtimeS: number): Buffer => {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'latin1');
  block.write(octal(0o600, 8), 100, 'latin1');
  block.write(octal(0, 8), 108, 'latin1');
  block.write(octal(0, 8), 116, 'latin1');
  block.write(octal(bytes.length, 12), 124, 'latin1');
  block.write(octal(mtimeS, 12), 136, 'latin1');
  block.write(' '.repeat(8), 148, 'latin1');
  block.write('0', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
};

/** @param prefix folder that the files stand in. */
export const tarOf = (prefix: string, files: readonly NamedFile[], mtimeS: number): Buffer =>
  Buffer.concat([
    ...files.flatMap(({ name, bytes }) => [
      header({ name: `${prefix}/${name}`, bytes }, mtimeS),
      bytes,
      Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK),
    ]),
    Buffer.alloc(2 * BLOCK),
  ]);
