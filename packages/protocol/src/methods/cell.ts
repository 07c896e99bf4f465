/** Methods of cell/N.sock: airlock-gateway to one cell. One connection, one lease, one service. docs/spec/release.md */
import type { Json } from '../canonical.js';
import type { ListedOperation, Params, Settings } from '../connector.js';
import type { Destination } from '../destination.js';
import type { ExchangeEvent, ExchangeOrder } from '../exchange.js';
import {
  bool,
  channel,
  closed,
  destination,
  digest,
  exchangeEvent,
  exchangeMcp,
  freeObject,
  id,
  integer,
  kind,
  MAX_LISTED,
  nothing,
  notice,
  operation,
  reply,
  sealedRecord,
  service,
  settings,
  text,
} from './shapes.js';

export interface SealedRecordText {
  readonly header: string;
  readonly wrapped: string;
  readonly body: string;
}
export interface CellOpenParams {
  readonly lease: string;
  readonly service: string;
  readonly kind: string;
  readonly settings: Settings;
  readonly destination: Destination;
  readonly record: SealedRecordText;
  readonly ticket: string;
  /** Hash of each listed operation that the operator accepted, by name; of kinds with `listed` only. */
  readonly pins?: Readonly<Record<string, string>>;
}
export interface CellExecuteParams {
  readonly operation: string;
  readonly params: Params;
  readonly constraints?: Readonly<Record<string, Json>>;
  /** The result is cut to this many bytes of JSON, where that is less than a frame has room for. */
  readonly maxResultBytes?: number;
  /** The call can be cancelled, and with `mcp` talked with, under this name. */
  readonly exchange?: ExchangeOrder;
}
/** What `execute` would be sent: everything is checked, nothing is done. */
export type CellPrepareParams = Omit<CellExecuteParams, 'maxResultBytes' | 'exchange'>;
export interface CellResult {
  readonly result: Json;
  readonly count: number;
  readonly masked: number;
  readonly truncated: boolean;
  readonly risk: number;
  /** What the score is made of; left out where nothing was found. */
  readonly signatures?: readonly string[];
}

/** Answer of `test`; `listed` of kinds whose services list operations of their own. */
export interface CellTestResult {
  readonly listed?: readonly ListedOperation[];
}
/** Notification of a cell: the service lists other operations than those that were accepted. */
export interface CellListed {
  readonly listed: readonly ListedOperation[];
}

/** Notification of a cell: what its service says or asks, without a channel outside calls; sealed, and scored. */
export interface CellEvent {
  readonly channel?: string;
  readonly event: ExchangeEvent;
  /** 0 to 1. */
  readonly risk: number;
}
/** Notification of a cell: what it did not let through. `code`: a question for a one-time code. */
export interface CellWithheld {
  readonly channel?: string;
  readonly why: 'code' | 'limit' | 'risk';
  readonly count: number;
}

/**
 * Notification of a cell: may it change rotating fields of version `base`; said again, nothing came of it; with `record`, this is the
 * new one.
 */
export interface CellRotate {
  readonly base: number;
  readonly record?: SealedRecordText;
}
/** `rotated`: the gateway's answer to each CellRotate. */
export interface CellRotated {
  readonly ok: boolean;
}

const pins = { type: 'object', maxProperties: MAX_LISTED, propertyNames: operation, additionalProperties: digest };

const risk01 = { type: 'number', minimum: 0, maximum: 1 };

/** What a program wrote to stderr last, 4 KiB, with everything in it escaped that is no printable character. */
export const MAX_SAID_CHARS = 40_960;

export const CELL_SCHEMAS = {
  'cell.open': closed({ lease: id, service, kind, settings, destination, record: sealedRecord, ticket: id, pins }, ['pins']),
  'cell.prepare': closed({ operation, params: { type: 'object', maxProperties: 64 }, constraints: freeObject }, ['constraints']),
  'cell.execute': closed(
    {
      operation,
      params: { type: 'object', maxProperties: 64 },
      constraints: freeObject,
      maxResultBytes: integer(1024, 16 * 1024 * 1024),
      exchange: closed({ channel, mcp: exchangeMcp }, ['mcp']),
    },
    ['constraints', 'maxResultBytes', 'exchange'],
  ),
  'cell.reply': reply,
  'cell.cancel': closed({ channel }),
  'cell.test': nothing,
  'cell.rotate': closed({ base: integer(1, 2 ** 31), record: sealedRecord }, ['record']),
  'cell.rotated': closed({ ok: bool }),
  /** Notifications of a cell. */
  'cell.event': {
    anyOf: [closed({ channel, event: exchangeEvent, risk: risk01 }), closed({ event: notice, risk: risk01 })],
  },
  'cell.withheld': closed({ channel, why: { enum: ['code', 'limit', 'risk'] }, count: integer(1, 1_000_000_000) }, ['channel']),
  'cell.said': closed({ text: text(MAX_SAID_CHARS) }),
} as const;
