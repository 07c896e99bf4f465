/**
 * What becomes of a connector's answer before it leaves the cell: masked, withheld, made visible, cut, scored.
 *
 * CELL-4   The credential's own value never stands in a result (raw, base64, hexadecimal or URL form, or in pieces): it is masked.
 * CELL-11  Secrets of others are masked, one-time codes and sign-in links of untrusted operations withheld, hidden
 *          characters made visible; the score is the highest of any text in the answer, and what was found stays in it.
 */
import { cutResult, neutraliseValue, redactValue, scoreValue, type Mask } from '@airlock/guard';
import {
  AirlockError,
  type CellResult,
  type ConnectorManifest,
  type Json,
  type OperationManifest,
  type OperationResult,
  type Settings,
} from '@airlock/protocol';

export interface SealOptions {
  /** Takes the credential out. */
  readonly mask: Mask;
  /** One-time codes and sign-in links are withheld; else links stay whole. */
  readonly codes: boolean;
  readonly maxBytes: number;
}

/** By these an agent asks for the next thing: a number in them is no card. */
export const IDENTIFIERS = [
  'id',
  'uid',
  'cursor',
  'next',
  'messageId',
  'inReplyTo',
  'references',
  'thread',
  'url',
  'href',
  'etag',
];

/** The connector's answer is foreign code's: looked at before anything is made of it. */
const isResult = (value: unknown): value is OperationResult => {
  if (typeof value !== 'object' || value === null) return false;
  const { result, count } = value as Partial<OperationResult>;
  return result !== undefined && Number.isSafeInteger(count) && (count ?? -1) >= 0;
};

/** Codes are shown only where the kind's manifest says so, or the service's setting `codes`: mail's is `withheld` by default. */
export const withholdsCodes = ({ codes }: ConnectorManifest, { untrusted }: OperationManifest, settings: Settings): boolean =>
  untrusted && codes !== 'shown' && settings['codes'] !== 'shown';

/** A UTF-16 unit takes at most three bytes, made visible nine. */
const MAX_GROWTH = 9;
const CUT_ROOM = 1.25;

/** From this many characters on the steps are taken one a turn: the watchdog takes a thread that stands still for dead. */
const LARGE = 128 * 1024;

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** @throws AirlockError INTERNAL where the answer is none */
export const sealResult = async (answer: unknown, { mask, codes, maxBytes }: SealOptions): Promise<CellResult> => {
  if (!isResult(answer)) throw new AirlockError('INTERNAL', 'the connector answered with no result');
  // JSON and nothing else: what a connector returns may hold dates, undefined or its own classes.
  const text = JSON.stringify(answer.result);
  const isLarge = text.length >= LARGE;
  const own = mask(JSON.parse(text) as Json);
  if (isLarge) await turn();
  // What is far too large is cut before it is looked at; with room, so that no half of a secret is what is left of it.
  const near =
    text.length > maxBytes * CUT_ROOM ? cutResult(own.value, maxBytes * CUT_ROOM) : { value: own.value, truncated: false };
  if (isLarge) await turn();
  const others = redactValue(near.value, { codes, links: !codes, identifiers: IDENTIFIERS });
  if (isLarge) await turn();
  // Before hidden characters are made visible: they are a sign themselves.
  const { score, signatures } = scoreValue(others.value);
  if (isLarge) await turn();
  // Once more: nothing that is made visible may make a secret whole.
  const visible = neutraliseValue(others.value);
  const last = visible === others.value ? { value: visible, masked: 0 } : mask(visible);
  const cut = text.length * MAX_GROWTH <= maxBytes ? { value: last.value, truncated: false } : cutResult(last.value, maxBytes);
  return {
    result: cut.value,
    count: answer.count,
    masked: own.masked + others.masked + last.masked + (answer.masked ?? 0),
    truncated: near.truncated || cut.truncated || answer.truncated === true,
    risk: score,
    ...(signatures.length === 0 ? {} : { signatures }),
  };
};
