/**
 * The bearer token of the network transports: who can read its file is the agent.
 *
 * NET-1 the token has 256 bits, stands in a file that is this user's alone, and is compared in constant time on digests;
 *       without it the server does not start, and no request is served.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { leaseStore, readPrivate, writePrivate, type Env } from '@airlock/client';
import { AirlockError } from '@airlock/protocol';

const TOKEN_BYTES = 32;
/** 32 bytes as base64url; a token of the user's own making may be longer. */
const TOKEN = /^[A-Za-z0-9_-]{43,256}$/;
/** RFC 6750 §2.1, with one space. */
const BEARER = /^bearer ([A-Za-z0-9._~+/=-]{1,512})$/i;

export type RandomBytes = (length: number) => Buffer;

/** `$XDG_RUNTIME_DIR/airlock/mcp-http.token`, beside the leases. */
export const tokenFile = (env: Env): string => join(leaseStore({ env }).directory, 'mcp-http.token');

/** The token of the file, which is made where it is missing. @throws AirlockError CONFIG_INVALID where it is not ours alone, or no token. */
export const loadToken = (path: string, uid: number, random: RandomBytes = randomBytes): string => {
  const found = readPrivate(path, uid);
  if (found !== null && TOKEN.test(found)) return found;
  if (found !== null) {
    throw new AirlockError('CONFIG_INVALID', `${path}: holds no token of 43 to 256 characters of base64url`, {
      hint: `remove it, and the next start makes a new one: rm ${path}`,
    });
  }
  const token = random(TOKEN_BYTES).toString('base64url');
  writePrivate(path, token, uid);
  return token;
};

/** The token of an Authorization header; null where it is no bearer. */
export const bearerOf = (header: string): string | null => BEARER.exec(header)?.[1] ?? null;

/** Says whether a text is the one that was given, in a time that tells nothing of where they differ. */
export const secretCheck = (secret: string): ((text: string) => boolean) => {
  const key = randomBytes(TOKEN_BYTES);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const wanted = digest(secret);
  return (text) => timingSafeEqual(digest(text), wanted);
};
