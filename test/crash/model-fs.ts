/**
 * A file system in memory that knows what a power cut may leave: of a file what was synced, and of the writes since any part,
 * in any selection, torn or as zeros; of a directory the names that were synced, and of the changes since any selection. A rename
 * is whole or has not happened. Nothing that POSIX does not promise is given: a new file's name lasts only with its directory's sync.
 */
import { constants } from 'node:fs';
import { contentAfter, DirectoryNode, FileNode, rename, type Fate, type Node } from './model-nodes.js';

/** What stands on the disk: files by path, directories with null. */
export type Disk = ReadonlyMap<string, Buffer | null>;

export const failure = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });
export type CallName =
  'open' | 'read' | 'write' | 'datasync' | 'sync' | 'truncate' | 'rename' | 'unlink' | 'mkdir' | 'list' | 'stat';
/** Asked before every call; throws what the call is to fail with. */
export type Hook = (call: CallName) => 'short' | null;

interface Open {
  readonly node: Node;
  readonly append: boolean;
  at: number;
}

const FIRST_FD = 1_000_000;
const TYPE = { file: constants.S_IFREG, directory: constants.S_IFDIR } as const;

export class ModelFs {
  readonly root = new DirectoryNode(0o755);
  hook: Hook = () => null;
  /** Syncs that do nothing and say that they did: the negative controls. */
  lies: ReadonlySet<'datasync' | 'sync'> = new Set();
  /** Code that does not look at what its changes came to, another control: what fails is not done, and seems to be; a short write seems whole. */
  isUnheard = false;
  #fds = new Map<number, Open>();
  #next = FIRST_FD;

  static of(disk: Disk): ModelFs {
    const fs = new ModelFs();
    for (const [path, content] of disk) {
      const node = content === null ? new DirectoryNode(0o700) : new FileNode(0o600);
      if (node.kind === 'file' && content !== null) node.content = node.synced = content;
      const { parent, name } = fs.#place(path);
      parent.names.set(name, node);
      parent.synced.set(name, node);
    }
    return fs;
  }

  /** Of a call that changes something. */
  #fault(call: CallName): 'short' | 'undone' | null {
    try {
      return this.hook(call);
    } catch (thrown) {
      if (!this.isUnheard) throw thrown;
      return 'undone';
    }
  }

  owns(fd: number): boolean {
    return this.#fds.has(fd);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const part of path.split('/').filter((one) => one !== '')) {
      if (node?.kind !== 'directory') return undefined;
      node = node.names.get(part);
    }
    return node;
  }

  #place(path: string): { readonly parent: DirectoryNode; readonly name: string } {
    const cut = path.lastIndexOf('/');
    const parent = this.#find(path.slice(0, cut));
    if (parent?.kind !== 'directory') throw failure('ENOENT');
    return { parent, name: path.slice(cut + 1) };
  }

  #of(fd: number): Open {
    const open = this.#fds.get(fd);
    if (open === undefined) throw failure('EBADF');
    return open;
  }

  #fileOf(fd: number): FileNode {
    const { node } = this.#of(fd);
    if (node.kind !== 'file') throw failure('EISDIR');
    return node;
  }

  open(path: string, flags: number, mode = 0o666): number {
    this.hook('open');
    let node = this.#find(path);
    if ((flags & constants.O_CREAT) !== 0) {
      if (node !== undefined && (flags & constants.O_EXCL) !== 0) throw failure('EEXIST');
      if (node === undefined) {
        const { parent, name } = this.#place(path);
        node = new FileNode(mode);
        parent.change({ remove: null, add: name, node });
      }
    }
    if (node === undefined) throw failure('ENOENT');
    if ((flags & constants.O_DIRECTORY) !== 0 && node.kind === 'file') throw failure('ENOTDIR');
    this.#next += 1;
    this.#fds.set(this.#next, { node, append: (flags & constants.O_APPEND) !== 0, at: 0 });
    return this.#next;
  }

  close(fd: number): void {
    this.#of(fd);
    this.#fds.delete(fd);
  }

  stat(fd: number): { uid: number; mode: number; size: number; nlink: number; isFile(): boolean; isDirectory(): boolean } {
    this.hook('stat');
    const { node } = this.#of(fd);
    const size = node.kind === 'file' ? node.content.length : 4096;
    const kind = { isFile: () => node.kind === 'file', isDirectory: () => node.kind === 'directory' };
    return { uid: process.geteuid?.() ?? 0, mode: node.mode | TYPE[node.kind], size, nlink: node.nlink, ...kind };
  }

  /** Not among what a power cut may lose: no story depends on it. */
  chmod(fd: number, mode: number): void {
    this.#of(fd).node.mode = mode;
  }

  read(fd: number, into: Uint8Array, offset: number, length: number, position: number): number {
    this.hook('read');
    return this.#fileOf(fd).content.copy(into, offset, position, position + length);
  }

  content(fd: number): Buffer {
    this.hook('read');
    return this.#fileOf(fd).content;
  }

  /** What stands at a path; null where there is no file. */
  contentOf(path: string): Buffer | null {
    const node = this.#find(path);
    return node?.kind === 'file' ? node.content : null;
  }

  write(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number {
    const fault = this.#fault('write');
    if (fault === 'undone') return length;
    const count = fault === 'short' ? Math.ceil(length / 3) : length;
    const open = this.#of(fd);
    const node = this.#fileOf(fd);
    const at = position ?? (open.append ? node.content.length : open.at);
    node.change({ at, bytes: Buffer.from(bytes.subarray(offset, offset + count)) });
    open.at = at + count;
    return this.isUnheard ? length : count;
  }

  datasync(fd: number): void {
    if (this.#fault('datasync') === 'undone') return;
    if (!this.lies.has('datasync')) this.#of(fd).node.sync();
  }

  sync(fd: number): void {
    if (this.#fault('sync') === 'undone') return;
    const { node } = this.#of(fd);
    if (!this.lies.has(node.kind === 'directory' ? 'sync' : 'datasync')) node.sync();
  }

  truncate(fd: number, length: number): void {
    if (this.#fault('truncate') === 'undone') return;
    this.#fileOf(fd).change({ at: length, bytes: null });
  }

  rename(from: string, to: string): void {
    if (this.#fault('rename') === 'undone') return;
    const node = this.#find(from);
    const [source, target] = [this.#place(from), this.#place(to)];
    if (node === undefined) throw failure('ENOENT');
    if (source.parent !== target.parent) throw failure('EXDEV');
    const replaced = source.parent.names.get(target.name);
    if (replaced?.kind === 'file') replaced.nlink = 0;
    source.parent.change({ remove: source.name, add: target.name, node });
  }

  unlink(path: string): void {
    if (this.#fault('unlink') === 'undone') return;
    const { parent, name } = this.#place(path);
    const node = parent.names.get(name);
    if (node?.kind !== 'file') throw failure('ENOENT');
    node.nlink = 0;
    parent.change({ remove: name, add: null, node: null });
  }

  /** Not there is no error; of a directory each name goes by itself. */
  remove(path: string): void {
    const node = this.#find(path);
    if (node === undefined) return;
    if (node.kind === 'file') return this.unlink(path);
    for (const name of [...node.names.keys()]) this.remove(`${path}/${name}`);
    if (this.#fault('unlink') === 'undone') return;
    const { parent, name } = this.#place(path);
    parent.change({ remove: name, add: null, node: null });
  }

  /** @returns whether it was made */
  mkdir(path: string, mode: number, recursive = false): boolean {
    if (this.#fault('mkdir') === 'undone') return true;
    if (this.#find(path) !== undefined) {
      if (recursive) return false;
      throw failure('EEXIST');
    }
    const { parent, name } = this.#place(path);
    parent.change({ remove: null, add: name, node: new DirectoryNode(mode) });
    return true;
  }

  list(path: string): string[] {
    this.hook('list');
    const node = this.#find(path);
    if (node?.kind !== 'directory') throw failure('ENOENT');
    return [...node.names.keys()];
  }

  /** Number of changes that no sync has made last; files in directories that are not there count, for they may be. */
  get pendingCount(): number {
    let count = 0;
    this.#walk((node) => (count += node.pending.length));
    return count;
  }

  /** Every node that was ever named in what is or may be on the disk. */
  #walk(visit: (node: Node) => void): void {
    const seen = new Set<Node>();
    const go = (node: Node): void => {
      if (seen.has(node)) return;
      seen.add(node);
      visit(node);
      if (node.kind === 'file') return;
      for (const next of [...node.synced.values(), ...node.names.values(), ...node.pending.flatMap(({ node: one }) => one ?? [])])
        go(next);
    };
    go(this.root);
  }

  /** The disk after a power cut now. */
  cut(fate: Fate): Disk {
    const places = new Map<Node, readonly ReturnType<Fate>[]>();
    let index = 0;
    this.#walk((node) =>
      places.set(
        node,
        node.pending.map(() => fate(index++)),
      ),
    );
    const disk = new Map<string, Buffer | null>();
    const put = (path: string, node: Node): void => {
      const fates = places.get(node) ?? [];
      if (node.kind === 'file') {
        disk.set(path, contentAfter(node, fates));
        return;
      }
      if (path !== '') disk.set(path, null);
      const names = new Map(node.synced);
      node.pending.forEach((change, at) => fates[at] !== 'lost' && rename(names, change));
      for (const [name, next] of names) put(`${path}/${name}`, next);
    };
    put('', this.root);
    return disk;
  }

  /** The disk as it is seen now: what a kill leaves. */
  get now(): Disk {
    return this.cut(() => 'kept');
  }
}
