/** One error as ajv writes it (`verbose`). Written by compile-validators.mjs beside the code. */
export interface SchemaError {
  readonly keyword: string;
  /** JSON pointer into the value (RFC 6901). */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The value of the keyword. */
  readonly schema?: unknown;
  /** The schema that holds the keyword. */
  readonly parentSchema?: Readonly<Record<string, unknown>>;
  /** The value that was refused. */
  readonly data?: unknown;
}

/** A compiled schema; `errors` holds what the last call found. */
export interface CompiledValidator {
  (value: unknown): boolean;
  readonly errors?: readonly SchemaError[] | null;
}

export const validators: Readonly<Record<string, CompiledValidator>>;
