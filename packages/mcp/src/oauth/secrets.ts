/** Secrets of the sign-in: drawn, kept as digests, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../net/bearer.js';

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TEXT = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

export const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

export const isSame = (text: string, digest: Buffer): boolean => timingSafeEqual(digestOf(text), digest);

export const newId = (random: RandomBytes): string => random(ID_BYTES).toString('base64url');

/** `ID.SECRET`: the id finds the entry, the secret proves it. */
export const newSecret = (id: string, random: RandomBytes): string => `${id}.${random(SECRET_BYTES).toString('base64url')}`;

/** The id of a secret's text; null where it has not its form. */
export const idOf = (text: string): string | null => TEXT.exec(text)?.[1] ?? null;

/** RFC 7636 §4.2: S256 of a verifier. */
export const challengeOf = (verifier: string): string => digestOf(verifier).toString('base64url');
