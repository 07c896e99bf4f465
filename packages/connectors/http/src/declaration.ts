/**
 * What a manifest declares of an operation (docs/spec/http.md), read strictly: an unknown member is a mistake.
 *
 * HTTP-1  Every declaration of the manifest is read before the first request; a wrong one opens no session.
 */
import { AirlockError, type ConnectorManifest, type Json, type OperationManifest, type Params } from '@airlock/protocol';
import { HTTP_LIMITS } from './limits.js';

/** What is taken from an answer. */
export type Shape =
  | { readonly kind: 'at'; readonly pointer: readonly string[]; readonly as: 'value' | 'utc' }
  | { readonly kind: 'url' }
  | { readonly kind: 'object'; readonly members: Readonly<Record<string, Shape>> }
  | { readonly kind: 'each'; readonly pointer: readonly string[]; readonly take: Shape; readonly limit: Json }
  | { readonly kind: 'zip'; readonly members: Readonly<Record<string, Shape>>; readonly limit: Json };

export type Injection = {
  readonly field: string;
  /** Left out where the operator gave none. */
  readonly optional: boolean;
} & ({ readonly as: 'bearer' } | { readonly as: 'header' | 'query'; readonly name: string });

export interface Declaration {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** A parameter that is a whole URL, or the template of a path below the first origin. */
  readonly where: { readonly kind: 'url' | 'path'; readonly template: string };
  readonly query: Readonly<Record<string, Json>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json | undefined;
  readonly credential: Injection | undefined;
  readonly answer: Shape;
  /** Parameters of a harmless call that shows whether the service answers. */
  readonly probe: Params | undefined;
  /** Values of parameters that were left out. */
  readonly defaults: Params;
}

type Fields = ConnectorManifest['credential']['fields'];
type Record_ = Readonly<Record<string, Json>>;

const isRecord = (value: unknown): value is Record_ => typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (operation: string, what: string): AirlockError =>
  new AirlockError('CONFIG_INVALID', `the declaration of ${operation} is wrong: ${what}`, {
    hint: 'correct the manifest of the connector, or install it again',
  });

/** Reads one declaration; remembers whose it is for its complaints. */
class Reader {
  readonly #operation: string;

  constructor(operation: string) {
    this.#operation = operation;
  }

  fail(what: string): AirlockError {
    return wrong(this.#operation, what);
  }

  record(value: Json | undefined, what: string): Record_ {
    if (value === undefined) return {};
    if (!isRecord(value)) throw this.fail(`${what} is no object`);
    return value;
  }

  text(value: Json | undefined, what: string): string {
    if (typeof value !== 'string') throw this.fail(`${what} is no text`);
    return value;
  }

  only(value: Record_, names: readonly string[], what: string): Record_ {
    const stray = Object.keys(value).find((name) => !names.includes(name));
    if (stray !== undefined) throw this.fail(`${what} has no member ${stray.slice(0, 64)}`);
    return value;
  }

  /** RFC 6901. */
  pointer(value: Json | undefined, what: string): readonly string[] {
    const text = this.text(value, what);
    if (text === '') return [];
    if (!text.startsWith('/')) throw this.fail(`${what} is no JSON pointer`);
    return text
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  }

  shape(value: Json | undefined, depth = 0): Shape {
    if (depth > HTTP_LIMITS.maxShapeDepth) throw this.fail('answer is nested too deeply');
    if (typeof value === 'string') return { kind: 'at', pointer: this.pointer(value, 'answer'), as: 'value' };
    const shape = this.record(value ?? '', 'answer');
    if ('$url' in shape && this.only(shape, ['$url'], '$url')['$url'] === true) return { kind: 'url' };
    if ('$utc' in shape) {
      return { kind: 'at', pointer: this.pointer(this.only(shape, ['$utc'], '$utc')['$utc'], '$utc'), as: 'utc' };
    }
    if ('$each' in shape) {
      const { $each, take, limit = null } = this.only(shape, ['$each', 'take', 'limit'], '$each');
      return { kind: 'each', pointer: this.pointer($each, '$each'), take: this.shape(take, depth + 1), limit };
    }
    if ('$zip' in shape) {
      const { $zip, limit = null } = this.only(shape, ['$zip', 'limit'], '$zip');
      return { kind: 'zip', members: this.members(this.record($zip, '$zip'), depth), limit };
    }
    return { kind: 'object', members: this.members(shape, depth) };
  }

  members(value: Record_, depth: number): Readonly<Record<string, Shape>> {
    const stray = Object.keys(value).find((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name));
    if (stray !== undefined) throw this.fail(`answer has no form ${stray.slice(0, 64)}`);
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, this.shape(member, depth + 1)]));
  }

  injection(value: Json | undefined, fields: Fields): Injection | undefined {
    if (value === undefined) return undefined;
    const { as, field, name } = this.only(this.record(value, 'credential'), ['as', 'field', 'name'], 'credential');
    const known = this.text(field, 'credential.field');
    if (!Object.hasOwn(fields, known)) throw this.fail(`there is no credential ${known.slice(0, 64)}`);
    const from = { field: known, optional: fields[known]?.optional === true };
    if (as === 'bearer' && name === undefined) return { ...from, as };
    if (as === 'header' || as === 'query') return { ...from, as, name: this.text(name, 'credential.name') };
    throw this.fail('credential.as is none of bearer, header, query');
  }
}

const MEMBERS = ['method', 'url', 'path', 'query', 'headers', 'body', 'credential', 'answer', 'probe'] as const;

const defaultsOf = ({ params }: OperationManifest): Params => {
  const properties = (params['properties'] ?? {}) as Readonly<Record<string, { readonly default?: Json }>>;
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, schema]) => (schema.default === undefined ? [] : [[name, schema.default]])),
  );
};

const whereOf = (read: Reader, { url, path }: Record_): Declaration['where'] => {
  if ((url === undefined) === (path === undefined)) throw read.fail('one of url and path is needed');
  if (url !== undefined) {
    const template = read.text(url, 'url');
    if (!/^\{\w+\}$/.test(template)) throw read.fail('url is not one parameter');
    return { kind: 'url', template };
  }
  const template = read.text(path, 'path');
  if (!template.startsWith('/') || /[?#\\]|\/\//.test(template)) throw read.fail('path is no path');
  return { kind: 'path', template };
};

/** @throws AirlockError CONFIG_INVALID */
export const readDeclaration = (operation: OperationManifest, fields: Fields): Declaration => {
  const read = new Reader(operation.name);
  if (operation.request === undefined) throw read.fail('there is none');
  const request = read.only(operation.request, MEMBERS, 'request');
  const method = request['method'] ?? 'GET';
  if (method !== 'GET' && method !== 'POST') throw read.fail('method is none of GET, POST');
  if (method === 'POST' && operation.class === 'read' && !operation.outward)
    throw read.fail('a POST is of class read only where it is outward');
  const headers = Object.entries(read.record(request['headers'], 'headers'));
  return {
    name: operation.name,
    method,
    where: whereOf(read, request),
    query: read.record(request['query'], 'query'),
    headers: Object.fromEntries(headers.map(([name, value]) => [name, read.text(value, `headers.${name}`)])),
    body: request['body'],
    credential: read.injection(request['credential'], fields),
    answer: read.shape(request['answer']),
    probe: request['probe'] === undefined ? undefined : read.record(request['probe'], 'probe'),
    defaults: defaultsOf(operation),
  };
};

/** HTTP-1. @throws AirlockError CONFIG_INVALID */
export const readDeclarations = ({ operations, credential }: ConnectorManifest): ReadonlyMap<string, Declaration> =>
  new Map(operations.map((operation) => [operation.name, readDeclaration(operation, credential.fields)]));
