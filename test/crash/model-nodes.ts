/** Files and directories of the model file system, and what a power cut leaves of them. */

interface Write {
  readonly at: number;
  /** null: cut or extended to `at`. */
  readonly bytes: Buffer | null;
}
interface NameChange {
  readonly remove: string | null;
  readonly add: string | null;
  readonly node: Node | null;
}
export type Node = FileNode | DirectoryNode;

const applied = (content: Buffer, { at, bytes }: Write): Buffer => {
  const length = bytes === null ? at : Math.max(content.length, at + bytes.length);
  const out = Buffer.alloc(length);
  content.copy(out, 0, 0, length);
  bytes?.copy(out, at);
  return out;
};

/** A file: its content, and the changes that no sync has made last. */
export class FileNode {
  readonly kind = 'file';
  content: Buffer = Buffer.alloc(0);
  synced: Buffer = Buffer.alloc(0);
  pending: Write[] = [];
  nlink = 1;
  mode: number;

  constructor(mode: number) {
    this.mode = mode;
  }

  change(write: Write): void {
    this.content = applied(this.content, write);
    this.pending.push(write);
  }
  sync(): void {
    this.synced = this.content;
    this.pending = [];
  }
}

/** A directory: its names, and the changes of names since its last sync. */
export class DirectoryNode {
  readonly kind = 'directory';
  names = new Map<string, Node>();
  synced = new Map<string, Node>();
  pending: NameChange[] = [];
  readonly nlink = 2;
  mode: number;

  constructor(mode: number) {
    this.mode = mode;
  }

  change(change: NameChange): void {
    rename(this.names, change);
    this.pending.push(change);
  }
  sync(): void {
    this.synced = new Map(this.names);
    this.pending = [];
  }
}

export const rename = (names: Map<string, Node>, { remove, add, node }: NameChange): void => {
  if (remove !== null) names.delete(remove);
  if (add !== null && node !== null) names.set(add, node);
};

/** One way a power cut may go: which of the pending changes (counted over the whole tree) are on the disk, and how whole. */
export type Fate = (index: number) => 'lost' | 'kept' | 'torn' | 'zeros';

/** What is left of a file, each change having its fate. */
export const contentAfter = (node: FileNode, fates: readonly ReturnType<Fate>[]): Buffer =>
  node.pending.reduce((content, write, at) => {
    const fate = fates[at];
    if (fate === 'lost') return content;
    if (fate === 'kept' || write.bytes === null) return applied(content, write);
    const { bytes } = write;
    const part = fate === 'zeros' ? Buffer.alloc(bytes.length) : bytes.subarray(0, bytes.length >> 1);
    return applied(content, { at: write.at, bytes: part });
  }, node.synced);
