/**
 * Which address may be connected to for which host. Pure.
 *
 * EGRESS-3  Only public unicast addresses, but for what was sealed deliberately.
 * EGRESS-4  A loopback or private literal is allowed as exactly that address where it is the sealed host.
 * EGRESS-5  A name that says it is local may lead to private addresses, localhost to loopback only; no other name may.
 * EGRESS-6  Link-local, metadata, multicast, unspecified and translated addresses are never allowed.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** `never`: not even where it is sealed. */
export type Place = 'public' | 'private' | 'loopback' | 'never';

/**
 * Where clouds hand out credentials and ipaddr.js sees an ordinary or a private address: Azure's wire server,
 * and AWS and Google over IPv6.
 */
const METADATA: ReadonlySet<string> = new Set(['168.63.129.16', 'fd00:ec2::254', 'fd20:ce::254']);

const PLACES: Readonly<Record<string, Place>> = {
  unicast: 'public',
  private: 'private',
  uniqueLocal: 'private',
  loopback: 'loopback',
};

/** 2000::/3 is all that is assigned (IANA); 3fff::/20 in it is for documents (RFC 9637). */
const isGlobalV6 = (address: ipaddr.IPv6): boolean =>
  address.match(ipaddr.IPv6.parse('2000::'), 3) && !address.match(ipaddr.IPv6.parse('3fff::'), 20);

/** The one spelling of an address, without a zone; null where it is none, or one that inet_pton would not take. */
export const canonicalAddress = (text: string): string | null => {
  if (isIP(text) === 0 || text.includes('%')) return null;
  return ipaddr.parse(text).toString();
};

/** What kind of place an address is. Everything unknown is `never`. */
export const placeOf = (text: string): Place => {
  const canonical = canonicalAddress(text);
  if (canonical === null || METADATA.has(canonical)) return 'never';
  const address = ipaddr.parse(canonical);
  const place = PLACES[address.range()] ?? 'never';
  if (place === 'public' && address instanceof ipaddr.IPv6 && !isGlobalV6(address)) return 'never';
  return place;
};

/** The address a host literally is (IPv6 comes in brackets), or null where it is a name. */
export const literalOf = (host: string): string | null => canonicalAddress(host.replace(/^\[(.*)\]$/, '$1'));

/** RFC 6761 §6.3. */
const isLocalhost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

/** RFC 6762 (.local), RFC 8375 (.home.arpa), ICANN 2024 (.internal), and what routers hand out. */
const LOCAL_SUFFIXES = ['.local', '.lan', '.home.arpa', '.internal', '.home'] as const;
const isLocalName = (name: string): boolean => !name.includes('.') || LOCAL_SUFFIXES.some((suffix) => name.endsWith(suffix));

/** Which places a host may stand at. */
const allowedPlaces = (host: string, isEncrypted: boolean): readonly Place[] => {
  if (literalOf(host) !== null) return ['public', 'private', 'loopback'];
  const name = host.replace(/\.$/, '');
  if (isLocalhost(name)) return ['loopback'];
  if (!isLocalName(name)) return ['public'];
  // What is spoken in the clear within a network must not be answered from outside of it.
  return isEncrypted ? ['public', 'private'] : ['private'];
};

/**
 * Whether `address` may be connected to for the sealed `host`. A literal host leads to itself only.
 * @returns what kind of place was refused, or null where it is allowed.
 */
export const refusedPlace = (host: string, isEncrypted: boolean, address: string): Place | null => {
  const place = placeOf(address);
  const literal = literalOf(host);
  if (literal !== null && canonicalAddress(address) !== literal) return 'never';
  return allowedPlaces(host, isEncrypted).includes(place) && place !== 'never' ? null : place;
};

/** True where a request in the clear stays within this machine or its network, judged by the host alone. */
export const isNearby = (host: string): boolean => {
  const literal = literalOf(host);
  if (literal !== null) return ['private', 'loopback'].includes(placeOf(literal));
  const name = host.replace(/\.$/, '');
  return isLocalhost(name) || isLocalName(name);
};
