/**
 * Answer of `export.sign`: which files an operator took along as an export of the record (docs/spec/export.md).
 *
 * EXPORT-4  a key of its own and a first line of its own: what is signed here can never be taken for a head.
 * EXPORT-5  that there was an export is on the record before the signature leaves.
 */
import { isoTime, type ExportSigned } from '@airlock/protocol';
import type { Desk } from '../operators/desk.js';
import { GATEWAY_LOG, TOTP_LOG } from './heads.js';

/** First line of what is signed. */
const CONTEXT = 'airlock-export/v1';

/** The keys by which an export can be checked. */
export const exportKeys = ({ house: { heads } }: Desk): Pick<ExportSigned, 'keys'> => ({
  keys: { export: heads.exportKey, gateway: heads.publicKey(GATEWAY_LOG), totp: heads.publicKey(TOTP_LOG) },
});

/** @param digest SHA-256 of the export's SHA256SUMS. @throws AirlockError AUDIT_UNAVAILABLE */
export const signExport = (desk: Desk, digest: string): ExportSigned => {
  const { heads, journal, clock } = desk.house;
  journal.record('audit_exported', desk.fields({ digest }));
  const note = heads.signExport(`${CONTEXT}\n${digest}\n${desk.operator}\n${isoTime(clock.wallMs())}\n`);
  return { note, ...exportKeys(desk) };
};
