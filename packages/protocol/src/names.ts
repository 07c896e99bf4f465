/** Names that become socket, group and file names: narrow on purpose, so none can be read as a path or an option. */

/** Role and operator names (interfaces.md): they are part of a Unix group name, which ends at 32 bytes. */
export const NAME_PATTERN = '^[a-z0-9][a-z0-9-]{0,17}$';
/** Service names: first label of a scope. */
export const SERVICE_PATTERN = '^[a-z0-9][a-z0-9-]{0,31}$';
/** Operation names. */
export const OPERATION_PATTERN = '^[a-z][a-z0-9_]{0,63}$';
/** Connector kinds and module names: file names below a connector directory. */
export const KIND_PATTERN = '^[a-z][a-z0-9-]{0,31}$';

/** The built-in role under which `airlock-ctl run` asks. No socket unit may carry it. */
export const OPERATOR_ROLE = 'operator';

const name = new RegExp(NAME_PATTERN);
export const isName = (text: string): boolean => name.test(text);
