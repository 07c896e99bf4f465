/** Masking, cutting and making visible: the core, without dependencies. Strict arguments are in `@airlock/guard/arguments`. */
export { cutResult, type Cut } from './cut.js';
export { maskValues, newMask, type Mask, type Masked } from './mask.js';
export { neutraliseText } from './neutralise.js';
