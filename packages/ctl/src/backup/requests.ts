/** What a restore asks of both daemons for the services of a backup: sent by a restore, and measured before a backup is made (BACKUP-9). */
import { requestText } from '@airlock/ipc';
import { sha256Hex, type RestoreService } from '@airlock/protocol';

/** A service with its credential as ciphertext: texts of the gateway's own files. */
export interface BackedUpService {
  readonly operator: string;
  readonly service: string;
  readonly entry: string;
  /** What was accepted of a service that lists its own operations; empty for none. */
  readonly listed: string;
}

/** As airlock-totp is told of it. */
export const named = ({ operator, service, entry, listed }: BackedUpService): RestoreService => ({
  operator,
  service,
  digest: sha256Hex(`${entry}\n${listed}`),
});

/** Last blob of RESTORE_REQUEST. @param tickets by operator */
export const orderBytes = (tickets: Readonly<Record<string, string>>, services: readonly RestoreService[]): Buffer =>
  Buffer.from(JSON.stringify({ tickets, services }));

/** Method of airlock-gateway that takes one service. */
export const HOLD = 'service.restore';

export const holdParams = (ticket: string, { entry, listed }: Pick<BackedUpService, 'entry' | 'listed'>): object => {
  return { ticket, entry, listed };
};

/** No ticket is longer (`id` of the wire schemas). */
export const LONGEST_TICKET = 'A'.repeat(86);

/** At most so many bytes has the JSON frame: with ticket and id as long as they get. */
export const holdBytes = (params: object): number => Buffer.byteLength(requestText(Number.MAX_SAFE_INTEGER, HOLD, params));
