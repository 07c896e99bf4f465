/** A story told to real code on the model file system, and what has to hold of any disk it leaves. */
import type { Disk, ModelFs } from './model-fs.js';

/** What a disk came to: `lost` is the failure; a `sealed` one kept everything and says why it goes no further. */
export type Verdict =
  | { readonly kind: 'whole' }
  | { readonly kind: 'sealed'; readonly why: string }
  | { readonly kind: 'lost'; readonly what: string };
export const WHOLE: Verdict = { kind: 'whole' };
export const lost = (what: string): Verdict => ({ kind: 'lost', what });

/** One telling: knows at any time what was answered for. */
export interface Telling {
  run(): Promise<void>;
  check(disk: Disk): Verdict;
}
export interface Scenario {
  readonly name: string;
  /** What stands on the disk before; `/state` is always there. */
  readonly before?: Disk;
  tell(fs: ModelFs): Telling;
}
