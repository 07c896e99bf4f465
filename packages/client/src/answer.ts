/** An answer of the gateway, checked for the members the library relies on before anything acts on it. */
import { AirlockError } from '@airlock/protocol';

/** Type of a member; `?` where it may be absent. */
export type MemberType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'string?' | 'number?' | 'any';
export type AnswerShape<T> = Readonly<Partial<Record<keyof T, MemberType>>>;

const typeName = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

const fits = (value: unknown, wanted: MemberType): boolean => {
  if (wanted === 'any') return value !== undefined;
  if (wanted.endsWith('?')) return value === undefined || typeName(value) === wanted.slice(0, -1);
  return typeName(value) === wanted;
};

const broken = (method: string, what: string): AirlockError =>
  new AirlockError('INTERNAL', `the answer to ${method} ${what}`, {
    hint: 'client and gateway are of different versions? compare: airlock --version, airlock-ctl status',
  });

/**
 * The answer as `T`, whose needed members `shape` names. Members that are not in the shape pass.
 * @throws AirlockError INTERNAL where the gateway's answer is not what the protocol says.
 */
export const readAnswer = <T>(method: string, value: unknown, shape: AnswerShape<NoInfer<T>>): T => {
  if (typeName(value) !== 'object') throw broken(method, 'is no object');
  for (const [member, wanted] of Object.entries<MemberType>(shape as Readonly<Record<string, MemberType>>)) {
    if (!fits((value as Record<string, unknown>)[member], wanted)) throw broken(method, `has no ${member} as ${wanted}`);
  }
  return value as T;
};

/** The same for an answer that is a list of objects. @throws AirlockError INTERNAL */
export const readList = <T>(method: string, value: unknown, shape: AnswerShape<NoInfer<T>>): readonly T[] => {
  if (!Array.isArray(value)) throw broken(method, 'is no list');
  return value.map((item) => readAnswer<T>(method, item, shape));
};
