/** Record format, key derivation, seal and open. docs/spec/vault.md */
export * from './backup.js';
export * from './container.js';
export * from './header.js';
export {
  asDek,
  asKek,
  asTotpSecret,
  asVaultRoot,
  asWrappingKey,
  type Dek,
  deriveKek,
  type Kek,
  type KekSource,
  KEY_BYTES,
  MAX_TOTP_SECRET_BYTES,
  MIN_TOTP_SECRET_BYTES,
  newDek,
  newVaultId,
  newVaultRoot,
  type RandomSource,
  systemRandom,
  type TotpSecret,
  type VaultRoot,
  wipe,
  type WrappingKey,
} from './keys.js';
export * from './record.js';
export * from './recovery-key.js';
export * from './wrapping.js';
