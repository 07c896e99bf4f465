/**
 * The file that answers what `init` asks (docs/spec/init.md): YAML or JSON, every key known, every complaint with its line.
 *
 * INIT-1  an unknown or doubled key, or a value of another type, is refused with line, key, what was found and what is allowed.
 * INIT-2  the file, and every file it names for a secret, is refused where others than its owner can read or change it.
 */
import { AirlockError, type Settings } from '@airlock/protocol';
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** Where a value of a credential comes from. */
export type SecretSource = { readonly value: string } | { readonly file: string };

export interface ServiceAnswer {
  readonly kind: string;
  readonly name: string;
  readonly settings: Settings;
  /** By the names as they stand, with or without `_file`; sorted out once the kind is known. Null: not in the file. */
  readonly credential: Readonly<Record<string, string>> | null;
  readonly test: boolean;
  readonly replace: boolean;
  /** Line in the file, from 1. */
  readonly line: number;
}

export interface Answers {
  /** Agent and operator being one user was accepted in writing. */
  readonly acceptsSameUser: boolean;
  readonly secret: SecretSource | null;
  /** Where the recovery codes are written, in place of typing one back. */
  readonly recoveryCodesFile: string | null;
  readonly services: readonly ServiceAnswer[];
}

type Check = 'text' | 'boolean' | 'settings' | 'texts';

const WORDS: Readonly<Record<Check, string>> = {
  text: 'a text',
  boolean: 'true or false',
  settings: 'keys with a text, a number or true or false',
  texts: 'keys with a text',
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isRecordOf = (value: unknown, accepts: (one: unknown) => boolean): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(accepts);

const ACCEPTS: Readonly<Record<Check, (value: unknown) => boolean>> = {
  text: isText,
  boolean: (value) => typeof value === 'boolean',
  settings: (value) => isRecordOf(value, (one) => ['string', 'number', 'boolean'].includes(typeof one)),
  texts: (value) => isRecordOf(value, isText),
};

const SERVICE_KEYS: Readonly<Record<string, Check>> = {
  kind: 'text',
  name: 'text',
  settings: 'settings',
  credential: 'texts',
  test: 'boolean',
  replace: 'boolean',
};
const PHONE_KEYS: Readonly<Record<string, Check>> = { secret: 'text', secret_file: 'text', recovery_codes_file: 'text' };
const TOP_KEYS = ['init', 'same_user', 'phone', 'services'];

/** ENROL-4. */
const MAX_SERVICES = 4;

class Reader {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly document: Document;

  constructor(text: string, file: string) {
    this.#file = file;
    this.document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true, prettyErrors: false });
    const problem = this.document.errors[0] ?? this.document.warnings[0];
    // The parser's own words may quote the file, which holds secrets.
    if (problem)
      throw this.refuse(
        this.#lines.linePos(problem.pos[0]).line,
        'the file',
        problem.code.toLowerCase().replaceAll('_', ' '),
        'YAML or JSON, each key once',
      );
  }

  lineOf(node: unknown): number {
    const range = (node as Partial<Node> | null)?.range;
    return range ? this.#lines.linePos(range[0]).line : 1;
  }

  refuse(line: number, key: string, found: string, allowed: string): AirlockError {
    return new AirlockError('PARAMS_INVALID', `${this.#file}: line ${line}: ${key}: found ${found}, allowed: ${allowed}`, {
      field: key,
      found,
      expected: allowed,
      hint: `correct line ${line} of ${this.#file}; docs/spec/init.md has an example`,
    });
  }

  /** Members of a map by key, each known. @throws AirlockError PARAMS_INVALID */
  members(
    node: unknown,
    where: string,
    known: readonly string[],
  ): ReadonlyMap<string, { readonly node: unknown; readonly line: number }> {
    if (!isMap(node)) throw this.refuse(this.lineOf(node), where, 'no keys', `keys ${known.join(', ')}`);
    const members = new Map<string, { node: unknown; line: number }>();
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key))
        throw this.refuse(this.lineOf(node), where, 'a key that is no text', known.join(', '));
      const key = String(pair.key.value);
      if (!known.includes(key)) throw this.refuse(this.lineOf(pair.key), key.slice(0, 40), 'an unknown key', known.join(', '));
      members.set(key, { node: pair.value, line: this.lineOf(pair.key) });
    }
    return members;
  }

  /** Plain values of a map whose keys have one check each. The value itself may be a secret and is in no message. */
  values(node: unknown, where: string, checks: Readonly<Record<string, Check>>): Readonly<Record<string, unknown>> {
    const values: Record<string, unknown> = {};
    for (const [key, member] of this.members(node, where, Object.keys(checks))) {
      const check = checks[key] ?? 'text';
      const value = this.#plain(member, `${where}.${key}`);
      if (!ACCEPTS[check](value)) throw this.refuse(member.line, `${where}.${key}`, kindOf(value), WORDS[check]);
      values[key] = value;
    }
    return values;
  }

  #plain({ node, line }: { readonly node: unknown; readonly line: number }, where: string): unknown {
    if (!isNode(node)) return node;
    try {
      return node.toJS(this.document, { maxAliasCount: 0 });
    } catch {
      throw this.refuse(line, where, 'an alias', 'the value itself');
    }
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'toJS' in value;
const kindOf = (value: unknown): string =>
  value === null || value === ''
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'keys'
        : `a ${typeof value}`;

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

const serviceOf = (reader: Reader, node: unknown, index: number): ServiceAnswer => {
  const where = `services[${index}]`;
  const values = reader.values(node, where, SERVICE_KEYS);
  const kind = values['kind'];
  if (typeof kind !== 'string')
    throw reader.refuse(reader.lineOf(node), `${where}.kind`, 'nothing', 'a kind: airlock-ctl service kinds');
  return {
    kind,
    name: textOr(values['name'], kind),
    settings: (values['settings'] as Settings | undefined) ?? {},
    credential: (values['credential'] as Readonly<Record<string, string>> | undefined) ?? null,
    test: values['test'] !== false,
    replace: values['replace'] === true,
    line: reader.lineOf(node),
  };
};

const servicesOf = (reader: Reader, node: unknown): ServiceAnswer[] => {
  if (!isSeq(node)) throw reader.refuse(reader.lineOf(node), 'services', 'no list', 'a list of services');
  const services = node.items.map((item, index) => serviceOf(reader, item, index));
  const twice = services.find(({ name }, index) => services.findIndex((one) => one.name === name) !== index);
  if (twice) throw reader.refuse(twice.line, 'services.name', `${twice.name} a second time`, 'every service once');
  const last = services[MAX_SERVICES];
  if (last)
    throw reader.refuse(
      last.line,
      'services',
      `${services.length} services`,
      `at most ${MAX_SERVICES}; add others with airlock-ctl service add`,
    );
  return services;
};

const phoneOf = (
  reader: Reader,
  member: { readonly node: unknown; readonly line: number } | undefined,
): Pick<Answers, 'secret' | 'recoveryCodesFile'> => {
  if (!member) return { secret: null, recoveryCodesFile: null };
  const { secret, secret_file: file, recovery_codes_file: codes } = reader.values(member.node, 'phone', PHONE_KEYS);
  if (secret !== undefined && file !== undefined)
    throw reader.refuse(member.line, 'phone', 'secret and secret_file', 'one of the two');
  const source = typeof secret === 'string' ? { value: secret } : typeof file === 'string' ? { file } : null;
  return { secret: source, recoveryCodesFile: typeof codes === 'string' ? codes : null };
};

/**
 * @param file name used in messages
 * @throws AirlockError PARAMS_INVALID with the line (INIT-1)
 */
export const parseAnswers = (text: string, file: string): Answers => {
  const reader = new Reader(text, file);
  const top = reader.members(reader.document.contents, 'the file', TOP_KEYS);
  const version = top.get('init');
  if (!isScalar(version?.node) || version.node.value !== 1)
    throw reader.refuse(version?.line ?? 1, 'init', version ? 'another version' : 'nothing', 'init: 1');
  const sameUser = top.get('same_user');
  if (sameUser && (!isScalar(sameUser.node) || sameUser.node.value !== 'accept'))
    throw reader.refuse(sameUser.line, 'same_user', 'something else', 'accept');
  const services = top.get('services');
  return {
    acceptsSameUser: sameUser !== undefined,
    ...phoneOf(reader, top.get('phone')),
    services: services ? servicesOf(reader, services.node) : [],
  };
};
