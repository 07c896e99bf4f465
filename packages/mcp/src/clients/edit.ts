/**
 * Decides what connecting and disconnecting change in a client's configuration.
 *
 * CLIENTS-1 only the one entry changes; every other byte of a value stays.
 * CLIENTS-2 an edit is checked by parsing its result; where anything else changed, nothing is written.
 * CLIENTS-3 an entry of another server under the same name is not touched unprompted.
 */
import { AirlockError } from '@airlock/protocol';
import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isObject, member, type Client, type Entry, type Launch } from './client.js';
import type { ConfigDocument, OpenDocument, Spot } from './document.js';
import { openJson } from './json-document.js';
import { openToml } from './toml-document.js';
import { openYaml } from './yaml-document.js';

export type Change = 'none' | 'added' | 'updated' | 'replaced' | 'removed';

export interface Edit {
  readonly change: Change;
  /** Of the file; null where it is to go since it held nothing else. */
  readonly text: string | null;
}

export interface Target {
  readonly client: Client;
  readonly file: string;
  readonly name: string;
  /** Also where the entry is another server's. */
  readonly isForced: boolean;
}

const BOM = '\uFEFF';
const withoutBom = (text: string): string => (text.startsWith(BOM) ? text.slice(1) : text);

const openerOf = (client: Client): OpenDocument => {
  if (client.format === 'toml') return openToml;
  return client.format === 'yaml' ? openYaml : openJson(client.format);
};

const spotOf = ({ client, file, name }: Target): Spot => ({ file, name, container: client.container });

const open = (text: string, target: Target): ConfigDocument => openerOf(target.client)(text, spotOf(target));

/** Made by `connect`, or by hand for this command: it starts `airlock mcp`. */
export const isOurs = (client: Client, entry: unknown): boolean => {
  const launch = isObject(entry) ? client.launchOf(entry) : null;
  if (!launch) return false;
  const { command, args, env } = launch;
  return args.includes('mcp') && (Object.hasOwn(env, 'AIRLOCK_AGENT') || /^airlock(?:\.c?js)?$/.test(basename(command)));
};

/** What is there, without values that may be secrets. */
export const describeEntry = (client: Client, entry: unknown): string => {
  if (!isObject(entry)) return JSON.stringify(entry);
  const hidden = (value: unknown): unknown =>
    isObject(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, '…'])) : value;
  const secret = [client.envMember, 'headers'];
  return JSON.stringify(
    Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, secret.includes(key) ? hidden(value) : value])),
  );
};

const foreign = ({ client, file, name }: Target, entry: unknown, wanted: unknown): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${file}: "${name}" is there already and is not Airlock's`, {
    field: 'NAME',
    expected: describeEntry(client, wanted),
    found: describeEntry(client, entry),
    hint: 'choose another name with --name, or replace it with --force',
  });

const unsafe = ({ file }: Target): AirlockError =>
  new AirlockError('CONFIG_INVALID', `${file}: cannot be edited without changing something else`, {
    hint: 'nothing was written; put the entry in by hand: airlock mcp print CLIENT',
  });

/** Members that others added stay, variables of others too. */
const merged = (client: Client, before: unknown, wanted: Entry): Entry => {
  if (!isObject(before)) return wanted;
  const [old, ours] = [member(before, client.envMember), member(wanted, client.envMember)];
  const kept = isObject(old) ? Object.entries(old).filter(([key]) => !key.startsWith('AIRLOCK_')) : [];
  return { ...before, ...wanted, [client.envMember]: { ...Object.fromEntries(kept), ...(isObject(ours) ? ours : {}) } };
};

const tryOpen = (text: string, target: Target): ConfigDocument | null => {
  try {
    return open(text, target);
  } catch {
    return null;
  }
};

/** CLIENTS-2. @throws AirlockError CONFIG_INVALID */
const checked = (text: string, before: ConfigDocument, target: Target, entry: Entry | undefined): string => {
  const after = tryOpen(text, target);
  const isRight =
    after !== null && isDeepStrictEqual(plain(after.entry), plain(entry)) && isDeepStrictEqual(after.others(), before.others());
  if (!isRight) throw unsafe(target);
  return text;
};

/** Prototypes differ from parser to parser, and TOML writes tables behind values. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Date || !isObject(value)) return value;
  return new Map(Object.entries(value).map(([key, one]) => [key, plain(one)]));
};

/** The file with the entry in it; '' is the text of a file that is not there. @throws AirlockError */
export const connectEdit = (text: string, target: Target, launch: Launch): Edit => {
  const body = withoutBom(text);
  const bom = text.slice(0, text.length - body.length);
  const document = open(body, target);
  const wanted = target.client.entry(launch, target.name);
  if (document.entry === undefined)
    return { change: 'added', text: bom + checked(document.insert(wanted), document, target, wanted) };
  const ours = isOurs(target.client, document.entry);
  const entry = ours ? merged(target.client, document.entry, wanted) : wanted;
  if (isDeepStrictEqual(plain(entry), plain(document.entry))) return { change: 'none', text };
  if (!ours && !target.isForced) throw foreign(target, document.entry, wanted);
  return { change: ours ? 'updated' : 'replaced', text: bom + checked(document.replace(entry), document, target, entry) };
};

/** Would putting the entry into this text give the present text? */
const leadsTo = (candidate: string, body: string, target: Target, entry: Entry): boolean =>
  tryOpen(candidate, target)?.insert(entry) === body;

const isSafe = (candidate: string, before: ConfigDocument, target: Target): boolean => {
  try {
    checked(candidate, before, target, undefined);
    return true;
  } catch {
    return false;
  }
};

/** As the file was before: as in the backup, else one from which connecting gives what is there (none at all first), else the entry alone taken out. */
const withoutEntry = (body: string, document: ConfigDocument, target: Target, backup: string | null): string | null => {
  const { likely, plain: rest } = document.removals();
  const safe = likely.filter((candidate) => isSafe(candidate, document, target));
  if (backup !== null && safe.includes(backup)) return backup;
  const { entry } = document;
  if (isObject(entry)) {
    if (leadsTo('', body, target, entry)) return null;
    const before = safe.find((candidate) => leadsTo(candidate, body, target, entry));
    if (before !== undefined) return before;
  }
  return checked(rest, document, target, undefined);
};

/** The file without the entry. `backup`: the text beside it, null where there is none. @throws AirlockError */
export const disconnectEdit = (text: string, target: Target, backup: string | null): Edit => {
  const body = withoutBom(text);
  const document = open(body, target);
  if (document.entry === undefined) return { change: 'none', text };
  if (!isOurs(target.client, document.entry) && !target.isForced) throw foreign(target, document.entry, 'airlock mcp');
  const rest = withoutEntry(body, document, target, backup === null ? null : withoutBom(backup));
  return { change: 'removed', text: rest === null ? null : text.slice(0, text.length - body.length) + rest };
};

/** The entry as it stands there; undefined where there is none. @throws AirlockError CONFIG_INVALID */
export const readEntry = (text: string, target: Target): unknown => open(withoutBom(text), target).entry;

/** What to put in by hand: a file with nothing but the entry. */
export const snippet = (target: Target, launch: Launch): string =>
  open('', target).insert(target.client.entry(launch, target.name));
