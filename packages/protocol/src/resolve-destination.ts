/**
 * From a manifest's template and a service's settings to the destination that is sealed with the credential.
 * airlock-ctl seals what this says; the cell recomputes it and opens nothing where it differs.
 */
import type { ConnectorManifest, DestinationTemplate, Settings } from './connector.js';
import type { Destination, Origin } from './destination.js';
import { AirlockError } from './errors.js';
import { canonicalProgram } from './program.js';
import { fillSettings } from './settings.js';

/** Ports that an address may leave out (RFC 9110 §4.2, RFC 8314 §3). */
const DEFAULT_PORTS: Readonly<Record<string, number>> = { https: 443, http: 80, wss: 443, ws: 80, imaps: 993, imap: 143 };

const refuse = (found: string, expected: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `the settings give no destination: ${found}`, {
    field: 'params.settings',
    expected,
    found: JSON.stringify(found.slice(0, 80)),
    hint: `correct the settings so that they give ${expected}`,
  });

/** @throws AirlockError PARAMS_INVALID where a setting the template names is not there. */
const substitute = (template: string, settings: Settings): string =>
  template.replace(/\{([A-Za-z][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (value === undefined) throw refuse(`the setting ${name} is missing`, `a value for ${name}`);
    return String(value);
  });

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/;
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*$/;

/** Lower case; an IPv6 address in brackets, as in a URL (RFC 3986 §3.2.2). */
const hostOf = (text: string): string => {
  const host = text.toLowerCase();
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  if (IPV6.test(bare) && URL.canParse(`http://[${bare}]/`)) return `[${bare}]`;
  if (!HOST_NAME.test(host)) throw refuse(text, 'a host name or an address');
  return host;
};

const portOf = (text: string | undefined, scheme: string): number => {
  const port = text === undefined ? (DEFAULT_PORTS[scheme] ?? 0) : /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw refuse(text ?? 'no port', 'a port from 1 to 65535');
  return port;
};

const schemeOf = (text: string): string => {
  if (!/^[a-z][a-z0-9+-]{0,15}$/.test(text)) throw refuse(text, 'a scheme such as https or imaps');
  return text;
};

/** `SCHEME://HOST[:PORT]`; the part before `/` where the address goes on. */
const splitAddress = (address: string): { scheme: string; host: string; port: string | undefined } => {
  const found = /^([^:/]+):\/\/(\{\w+\}|\[[^\]]*\]|[^:/@]+)(?::([^/]+))?(?:\/.*)?$/.exec(address);
  const [, scheme, host, port] = found ?? [];
  if (scheme === undefined || host === undefined) throw refuse(address, 'SCHEME://HOST:PORT');
  return { scheme, host, port };
};

/** The parts are told apart in the template, so that no setting can move the border between host and port. */
const originOf = (template: string, settings: Settings): Origin => {
  if (!template.includes('://')) return originOfText(substitute(template, settings));
  const parts = splitAddress(template);
  const scheme = schemeOf(substitute(parts.scheme, settings));
  const port = parts.port === undefined ? undefined : substitute(parts.port, settings);
  return { scheme, host: hostOf(substitute(parts.host, settings)), port: portOf(port, scheme) };
};

/** A template that is one setting: the setting is a whole address. */
const originOfText = (address: string): Origin => {
  const { scheme: written, host, port } = splitAddress(address);
  // What people paste to subscribe to a calendar; it is fetched over https.
  const scheme = /^webcals?$/i.test(written) ? 'https' : schemeOf(written);
  return { scheme, host: hostOf(host), port: portOf(port, scheme) };
};

/** `{name[]}`: the setting is a list of addresses. */
const LIST = /^\{([A-Za-z][A-Za-z0-9_]*)\[\]\??\}$/;

/** One address of a list: https where it says nothing else, and no path, which would promise a limit that nobody keeps. */
const originOfItem = (item: string): Origin => {
  const address = item.includes('://') ? item : `https://${item}`;
  if (/^[^:]+:\/\/[^/]*\/.|[?#\\]/.test(address)) throw refuse(item, 'a host without a path, such as api.example.org');
  return originOfText(address);
};

/** `{name?}`, `{name[]?}`: without that setting the service does not reach this place at all. */
const OPTIONAL = /\{([A-Za-z][A-Za-z0-9_]*)(\[\])?\?\}/;

const isLeftOut = (name: string | undefined, settings: Settings): boolean =>
  name !== undefined && (!Object.hasOwn(settings, name) || settings[name] === '');

/** An entry of `origins`: one origin, none where it is optional and not set, or as many as the setting lists. */
const originsOf = (entry: string, settings: Settings): readonly Origin[] => {
  if (isLeftOut(OPTIONAL.exec(entry)?.[1], settings)) return [];
  const template = entry.replace(OPTIONAL, '{$1$2}');
  const name = LIST.exec(template)?.[1];
  if (name === undefined) return [originOf(template, settings)];
  const items = substitute(`{${name}}`, settings).split(',');
  return items.map((item) => originOfItem(item.trim()));
};

const pathOf = (path: string): string => {
  const isPlain = path.startsWith('/') && !path.includes('\0') && !path.split('/').some((part) => part === '..' || part === '.');
  if (!isPlain) throw refuse(path, 'an absolute path without . and ..');
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
};

const pinOf = (template: DestinationTemplate, settings: Settings): { tlsPin?: string } => {
  const pin = 'tlsPin' in template ? substitute(template.tlsPin, settings).toLowerCase() : '';
  if (pin !== '' && !/^[0-9a-f]{64}$/.test(pin)) throw refuse('a TLS pin that is none', '64 hexadecimal digits');
  return pin === '' ? {} : { tlsPin: pin };
};

/**
 * The destination of a service, canonical: equal settings give equal digests.
 * @throws AirlockError PARAMS_INVALID for missing, unknown or wrong settings, and where they give no destination.
 */
export const resolveDestination = (manifest: ConnectorManifest, settings: Settings): Destination => {
  const filled = fillSettings(manifest.settings, settings);
  const template = manifest.destination;
  const user = template.user === undefined ? '' : substitute(template.user, filled);
  const { kind } = manifest;
  if ('path' in template) return { kind, path: pathOf(substitute(template.path, filled)), user };
  const pin = pinOf(template, filled);
  const origins = template.origins.flatMap((origin) => originsOf(origin, filled)).map((origin) => ({ ...origin, ...pin }));
  if (!('program' in template)) return { kind, origins, user };
  return { kind, origins, program: canonicalProgram(substitute(template.program, filled)), user };
};
