/**
 * Which names a loopback server answers to.
 *
 * NET-2 Host is a loopback name with the port of the server, once; a request for another name comes from a page whose
 *       name was pointed here (DNS rebinding).
 * NET-3 Origin is absent or a loopback origin; a page of another site is refused whatever it knows.
 */

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'] as const;
const LOOPBACK_ORIGIN = /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[1-9]\d{0,4})?$/;
const HTTP_PORT = 80;

/** NET-2: the authority as it was named, in lower case; null where the server has no such name. */
export const loopbackAuthority = (host: string | undefined, port: number): string | null => {
  const found = host?.toLowerCase();
  const names = LOOPBACK.flatMap((name) => (port === HTTP_PORT ? [name, `${name}:${port}`] : [`${name}:${port}`]));
  return names.find((name) => name === found) ?? null;
};

/** NET-3. `null` as a text, which browsers send for what has no origin, is none of a loopback page. */
export const isLoopbackOrigin = (origin: string): boolean => LOOPBACK_ORIGIN.test(origin);
