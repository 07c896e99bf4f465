/** What a cell answers, looked at before it is used. */
import { AirlockError, asAirlockError, toWireError, type CellResult } from '@airlock/protocol';
import { GATEWAY_LIMITS } from '../limits.js';

const noAnswer = (): AirlockError => new AirlockError('INTERNAL', 'the cell gave an answer that is none');

/** Names of signatures, and not what a hostile document would like to say. */
const areSignatures = (value: unknown): boolean =>
  value === undefined ||
  (Array.isArray(value) &&
    value.length <= GATEWAY_LIMITS.maxSignatures &&
    value.every((name) => typeof name === 'string' && /^[a-z-]{1,40}$/.test(name)));

/** A cell is where hostile bytes are parsed: its answer is looked at like a stranger's. */
export const checkResult = (value: CellResult): CellResult => {
  const { result, count, masked, truncated, risk, signatures } = value as Partial<CellResult>;
  const counts = Number.isSafeInteger(count) && Number.isSafeInteger(masked);
  if (
    result === undefined ||
    !counts ||
    typeof truncated !== 'boolean' ||
    typeof risk !== 'number' ||
    !(risk >= 0 && risk <= 1) ||
    !areSignatures(signatures)
  ) {
    throw noAnswer();
  }
  return value;
};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** A result that is kept as a file: the cell was told its size, and a larger file would not be read back. */
export const checkKept = (answer: CellResult): CellResult => {
  if (bytesOf(answer.result) > GATEWAY_LIMITS.maxOutcomeBytes) throw noAnswer();
  return answer;
};

/** The same for an error. @throws what was thrown, or INTERNAL */
export const checkKeptError = (thrown: unknown): never => {
  throw bytesOf(toWireError(asAirlockError(thrown))) > GATEWAY_LIMITS.maxOutcomeErrorBytes ? noAnswer() : thrown;
};
