/**
 * Masking, withholding, cutting, making visible and scoring: the core, without dependencies at run time. Strict arguments
 * are in `@airlock/guard/arguments`.
 */
export { cutResult, estimateTokens, type Cut, type Size } from './cut.js';
export { scoreText, scoreValue, type Injection } from './injection/score.js';
export { boundSchema } from './schema-bounds.js';
export { maskValues, newMask, type Mask, type Masked } from './mask.js';
export { neutraliseText, neutraliseValue } from './neutralise.js';
export { findSecrets, redactText, redactValue, type CodeKind, type Redacted, type Redaction, type SecretKind } from './redact.js';
export {
  guarded,
  guardResult,
  secureTool,
  ToolRefused,
  type Checked,
  type Guarded,
  type Refusal,
  type SecuredTool,
  type ToolPolicy,
} from './tool.js';
