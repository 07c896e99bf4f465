/** Typed handles named by service: `access.gmail.listMessages({limit: 10})` is `call {service: "gmail", operation: "list_messages"}`. */
import type { Json, Params } from '@airlock/protocol';
import { isServiceName, operationName } from './names.js';

/** Makes one call and gives its bare result. */
export type Invoke = (service: string, operation: string, params: Params) => Promise<Json>;

/** `await` asks everything for `then`; a handle that had one would be called as a promise. */
const RESERVED: ReadonlySet<string> = new Set(['then', 'catch', 'finally', 'constructor']);
const OPERATION = /^[a-z][A-Za-z0-9_]{0,63}$/;

const operationHandle = (invoke: Invoke, service: string, method: string) => {
  const operation = operationName(method);
  return (params: Params = {}): Promise<Json> => invoke(service, operation, params);
};

/** A handle on one service; every member is an operation, in camelCase or as it stands in services.list. */
export const serviceHandle = (invoke: Invoke, service: string): object =>
  new Proxy(Object.freeze({}), {
    get: (_target, member) =>
      typeof member === 'string' && OPERATION.test(member) && !RESERVED.has(member) && member !== 'toJSON'
        ? operationHandle(invoke, service, member)
        : undefined,
  });

/** `base` with a handle for every other member that can name a service. Members of `base` win: use `service(name)` for such a name. */
export const withHandles = <B extends { service(name: string): object }, S extends object>(base: B): B & Readonly<S> =>
  new Proxy(base, {
    get: (target, member): unknown => {
      const own: unknown = Reflect.get(target, member);
      if (typeof own === 'function') return own.bind(target) as unknown;
      if (typeof member !== 'string' || member in target) return own;
      return isServiceName(member) && !RESERVED.has(member) ? target.service(member) : undefined;
    },
  }) as B & Readonly<S>;
