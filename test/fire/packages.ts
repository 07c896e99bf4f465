/** Where the compiled packages are: the proofs reach what no package exports. */

/** Module below packages, e.g. `totp/dist/src/queue/submit.js`. */
export const inside = (path: string): Promise<unknown> =>
  import(new URL(path, new URL('../../../packages/', import.meta.url)).href);

/** A path of the repository. */
export const fromRoot = (path: string): URL => new URL(path, new URL('../../../', import.meta.url));
