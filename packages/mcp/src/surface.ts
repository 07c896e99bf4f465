/** Which part of everything one endpoint shows, and how much of it is listed. */

/** `all`: a tool for every operation, however many; `meta`: none, they are found and run by the meta-tools. */
export type Listing = 'auto' | 'all' | 'meta';

export interface Surface {
  /** The one service of this endpoint; undefined: all. */
  readonly service?: string | undefined;
  /** `auto`: every operation up to 64 of them, none above. */
  readonly tools?: Listing | undefined;
}

/** More tools than this no model tells apart, and their schemas fill its context. */
export const MAX_LISTED = 64;

/** Whether operations stand in the list by themselves. */
export const listsOperations = ({ tools = 'auto' }: Surface, count: number): boolean =>
  tools === 'all' || (tools === 'auto' && count <= MAX_LISTED);
