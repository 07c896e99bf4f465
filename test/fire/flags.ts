/** The flags of a proof: what is not allowed, not there or not a number is refused before anything starts. */
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** Arguments that ask for nothing a proof could do: one line, exit status 2. */
export class Refused extends Error {}

/** What follows a flag. */
export interface Value<T> {
  readonly wants: string;
  /** null: not that. */
  readonly read: (text: string) => T | null;
}
/** Nothing follows it. */
const SWITCH = 'switch';

const orNull = <T>(attempt: () => T): T | null => {
  try {
    return attempt();
  } catch {
    return null;
  }
};

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Value<number> => ({
  wants: most < Number.MAX_SAFE_INTEGER ? `a whole number from ${least} to ${most}` : `a whole number of at least ${least}`,
  read: (text) => (/^[0-9]{1,16}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null),
});
/** Dice have 32 bits. */
export const anySeed = whole(0, 2 ** 32 - 1);
export const oneOf = (...names: readonly string[]): Value<string> => ({
  wants: `one of ${names.join(', ')}`,
  read: (text) => (names.includes(text) ? text : null),
});
export const content: Value<Buffer> = { wants: 'a file that can be read', read: (path) => orNull(() => readFileSync(path)) };
export const writable: Value<string> = {
  wants: 'a file that can be written',
  read: (path) => orNull(() => (appendFileSync(path, ''), path)),
};
export const directory: Value<string> = {
  wants: 'a directory that is there',
  read: (path) => (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : null),
};

type Flags = Readonly<Record<string, Value<unknown> | typeof SWITCH>>;
export type Given<F extends Flags> = { readonly [K in keyof F]?: F[K] extends Value<infer T> ? T : true };

const listed = (flags: Flags): string =>
  Object.entries(flags)
    .map(([name, kind]) => `--${name}${kind === SWITCH ? '' : ' VALUE'}`)
    .join(', ');

const valueOf = (name: string, kind: Flags[string] | undefined, text: string | undefined, isOwn: boolean): unknown => {
  if (kind === SWITCH || kind === undefined) {
    if (text !== undefined) throw new Refused(`--${name} takes no value, found ${text}`);
    return true;
  }
  if (text === undefined || text === '' || (!isOwn && text.startsWith('-')))
    throw new Refused(`--${name} wants ${kind.wants}, found nothing`);
  const value = kind.read(text);
  if (value === null) throw new Refused(`--${name} wants ${kind.wants}, found ${text}`);
  return value;
};

/** `--flag`, `--flag VALUE` and `--flag=VALUE`, each at most once. @throws Refused saying what is allowed */
export const flagsOf = <const F extends Flags>(args: readonly string[], flags: F): Given<F> => {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, kind]) => [name, { type: kind === SWITCH ? 'boolean' : 'string' } as const]),
  );
  const given = new Map<string, unknown>();
  for (const token of parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(flags, token.name))
      throw new Refused(`found ${args[token.index] ?? ''}, allowed: ${listed(flags)}`);
    if (given.has(token.name)) throw new Refused(`--${token.name} is given twice`);
    given.set(token.name, valueOf(token.name, flags[token.name], token.value, token.inlineValue === true));
  }
  return Object.fromEntries(given) as Given<F>;
};

/** Names without a flag. @throws Refused saying which there are */
export const namesOf = (args: readonly string[], allowed: readonly string[]): readonly string[] => {
  const unknown = args.find((one) => !allowed.includes(one));
  if (unknown !== undefined) throw new Refused(`found ${unknown}, allowed: ${allowed.join(', ')}`);
  return args;
};
