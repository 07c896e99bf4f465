/** Enrols an operator with a given secret, without codes. Development only: no production bundle contains this. */
import { newVaultId, newVaultRoot } from '@airlock/vault';
import { parseSecret } from '../operators/enrolment.js';
import type { House } from '../operators/house.js';
import { deskOf } from '../operators/house.js';
import { writeState } from '../state/snapshot.js';

/** @param text base32. Leaves an operator that is enrolled already as it is. @throws AirlockError PARAMS_INVALID, NOT_FOUND */
export const enrolForDevelopment = (house: House, operator: string, text: string): void => {
  const desk = deskOf(house, operator);
  if (desk.isEnrolled) return;
  writeState(house.directory, operator, desk.state);
  desk.enrol({
    vaultId: newVaultId(),
    root: Buffer.from(newVaultRoot()),
    firstEpoch: 0,
    totp: [parseSecret(text)],
    recovery: [],
  });
};
