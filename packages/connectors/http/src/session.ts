/** An opened service: one HTTP client for the sealed origins, one call for each operation. */
import { openEgress, type Egress, type EgressOptions } from '@airlock/egress';
import {
  AirlockError,
  formatOrigin,
  type ConnectorContext,
  type ConnectorSession,
  type OperationResult,
  type Origin,
  type Params,
} from '@airlock/protocol';
import { countOf, take } from './answer.js';
import { readDeclarations, type Declaration } from './declaration.js';
import { fillRequest } from './fill.js';
import { HTTP_LIMITS } from './limits.js';
import { parseAnswer } from './parse.js';

/** What a test puts in the place of name resolution and certificates. */
export type OpenOptions = Pick<EgressOptions, 'resolve' | 'ca' | 'limits'>;

const originsOf = ({ destination }: ConnectorContext): readonly Origin[] => {
  if ('origins' in destination) return destination.origins;
  throw new AirlockError('CONFIG_INVALID', 'a declared HTTP service is sealed to a path', { expected: 'origins' });
};

export interface HttpSession extends ConnectorSession {
  /** Carries out every operation that declares how. @throws AirlockError */
  probe(): Promise<void>;
}

/** @throws AirlockError CONFIG_INVALID for a declaration or a destination that cannot be carried out. */
export const openHttpSession = (context: ConnectorContext, options: OpenOptions = {}): HttpSession => {
  const origins = originsOf(context);
  const declarations = readDeclarations(context.manifest);
  const limits = { maxBodyBytes: HTTP_LIMITS.maxBodyBytes, ...options.limits };
  const egress: Egress = openEgress({ ...options, origins, limits });
  const [first] = origins;
  const base = first === undefined ? '' : formatOrigin(first);

  const run = async (declaration: Declaration, given: Params, signal?: AbortSignal): Promise<OperationResult> => {
    const request = fillRequest(declaration, given, context.credential, base);
    const answer = await egress.request(signal === undefined ? request : { ...request, signal });
    const params: Params = { ...declaration.defaults, ...given };
    const result = take(declaration.answer, { json: parseAnswer(answer), url: answer.url, params });
    return { result, count: countOf(result) };
  };

  return {
    execute: async (operation, params, { signal }) => {
      const declaration = declarations.get(operation);
      if (declaration !== undefined) return run(declaration, params, signal);
      const expected = [...declarations.keys()].join(', ');
      throw new AirlockError('OPERATION_UNKNOWN', `${context.manifest.kind} has no such operation`, { expected });
    },
    probe: async () => {
      for (const declaration of declarations.values()) {
        if (declaration.probe !== undefined) await run(declaration, declaration.probe);
      }
    },
    close: () => egress.close(),
  };
};
