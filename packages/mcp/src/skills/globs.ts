/** Which operations a skill bundles: `service.operation`, each side perhaps with stars. */

/** Stars on each side; with more a pattern could take long to match. */
export const GLOB = /^(?:[a-z0-9_-]*\*?){1,3}\.(?:[a-z0-9_]*\*?){1,3}$/;
export const MAX_GLOB_CHARS = 128;

const patternOf = (glob: string): RegExp => new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '[^.]*')}$`);

/** The names that one of the globs means, each once, in their own order. */
export const matching = (globs: readonly string[], names: readonly string[]): readonly string[] => {
  const patterns = globs.map(patternOf);
  return names.filter((name) => patterns.some((pattern) => pattern.test(name)));
};

/** The globs that mean nothing here: a service that is not there, or that this role may never get. */
export const unmatched = (globs: readonly string[], names: readonly string[]): readonly string[] =>
  globs.filter((glob) => matching([glob], names).length === 0);
