/**
 * What a connector throws, as far as it may leave the cell. A connector is bundled with an error class of its own,
 * so its errors are known by their name, and made anew.
 */
import { AirlockError, isErrorCode, type ErrorCode, type ErrorDetail } from '@airlock/protocol';
import { neutraliseText, redactText, type Mask } from '@airlock/guard';

/** What a connector can know about. Leases, approvals and locks are not among it: an upstream could play them. */
const CONNECTOR_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'UPSTREAM_REFUSED',
  'UPSTREAM_TIMEOUT',
  'UNAVAILABLE',
  'NOT_FOUND',
  'OUTCOME_UNKNOWN',
  'PARAMS_INVALID',
  'CONSTRAINT',
  'RATE_LIMITED',
  'READ_ONLY',
  'CONFIG_INVALID',
]);

const TEXTS = ['hint', 'field', 'expected', 'found'] as const;

const maskedText = (text: string, mask: Mask): string => {
  const { value } = mask(text);
  return typeof value === 'string' ? neutraliseText(redactText(value, { codes: true })) : '';
};

const detailOf = (data: Readonly<Record<string, unknown>>, mask: Mask): ErrorDetail => {
  const texts = TEXTS.flatMap((name) => {
    const value = data[name];
    return typeof value === 'string' ? [[name, maskedText(value, mask)]] : [];
  });
  const { retryAfterMs } = data;
  return { ...(Object.fromEntries(texts) as ErrorDetail), ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) };
};

/** An AirlockError with the credential masked; INTERNAL without any text for everything else. */
export const fromConnector = (thrown: unknown, mask: Mask): AirlockError => {
  if (thrown instanceof Error && thrown.name === 'AirlockError') {
    const { code, data } = thrown as Partial<AirlockError>;
    if (isErrorCode(code) && CONNECTOR_CODES.has(code)) {
      return new AirlockError(code, maskedText(thrown.message, mask), detailOf({ ...data }, mask));
    }
  }
  return new AirlockError('INTERNAL', 'the connector failed');
};

/** CELL-10: nobody can say whether it happened. */
export const outcomeUnknown = (): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the service was asked to write, and what came of it is not known');

/** CELL-10: a connector that failed while it wrote, and does not say how far it came, may have written. */
export const fromWriting = (error: AirlockError): AirlockError => (error.code === 'INTERNAL' ? outcomeUnknown() : error);
