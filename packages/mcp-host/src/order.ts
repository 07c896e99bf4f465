/** The order to start a server, read strictly: it comes from a cell, which may have been taken over. */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface Order {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly token: string;
  readonly origins: readonly string[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
const areTexts = (value: unknown, most: number): value is string[] =>
  Array.isArray(value) && value.length <= most && value.every(isText);

/** null where it is none. */
export const orderOf = (message: Readonly<Record<string, unknown>>): Order | null => {
  const { start } = message;
  if (!isRecord(start)) return null;
  const { argv, env, token, origins = [], cwd } = start;
  if (
    !areTexts(argv, 256) ||
    argv[0]?.startsWith('/') !== true ||
    (cwd !== undefined && !isText(cwd)) ||
    !isText(token) ||
    token.length < 16
  )
    return null;
  if (!areTexts(origins, 8) || !isRecord(env) || !Object.values(env).every(isText)) return null;
  return { argv, env: env as Readonly<Record<string, string>>, cwd, token, origins };
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether the line names the token of the order. */
export const isToken = (given: unknown, { token }: Order): boolean =>
  typeof given === 'string' && timingSafeEqual(digest(given), digest(token));
