/** A backup taken apart as airlock-ctl does, so that a test can give its parts in any order, or those of another. */
import { sha256Hex } from '@airlock/protocol';
import type { Running } from '@airlock/testkit';
import { deriveBackupKey, openBackup, parseRecoveryKey } from '@airlock/vault';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface HeldService {
  readonly operator: string;
  readonly service: string;
  readonly entry: string;
  readonly listed: string;
}

export interface Part {
  readonly made: string;
  readonly key: Buffer;
  readonly sealed: Buffer;
  readonly services: readonly { readonly operator: string; readonly service: string; readonly digest: string }[];
  /** What the gateway is given of each of them. */
  readonly held: readonly HeldService[];
}

/** Made now. */
export const backupOf = async (running: Running, name: string): Promise<Part> => {
  const file = join(running.dir, name);
  const { json } = await running.command('airlock-ctl', ['backup', file, '--json']);
  const recoveryKey = parseRecoveryKey((json as { recoveryKey: string }).recoveryKey);
  const { header, salt, body } = openBackup(readFileSync(file), recoveryKey);
  const { totp, services } = JSON.parse(body.toString()) as { readonly totp: string; readonly services: readonly HeldService[] };
  return {
    made: header.made,
    key: Buffer.from(deriveBackupKey(recoveryKey, salt, 'totp')),
    sealed: Buffer.from(totp, 'base64url'),
    services: services.map(({ operator, service, entry, listed }) => ({
      operator,
      service,
      digest: sha256Hex(`${entry}\n${listed}`),
    })),
    held: services,
  };
};
