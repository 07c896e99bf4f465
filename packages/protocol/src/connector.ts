/**
 * What a connector is: a manifest (JSON, read by gateway, airlock-ctl and cell) and a module (read by the cell only).
 * Adding a kind of service means adding these two files to a connector directory; neither daemon changes.
 */
import type { Json } from './canonical.js';
import type { Clock } from './clock.js';
import type { Destination } from './destination.js';
import type { ScopeClass } from './scope.js';

export type Settings = Readonly<Record<string, string | number | boolean>>;
/** Opened credential: field name to value. Exists in a cell only. */
export type Credential = Readonly<Record<string, string>>;
export type Params = Readonly<Record<string, Json>>;
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One operation of a kind, as agents see it. */
export interface OperationManifest {
  readonly name: string;
  /** Name of the MCP tool without the `airlock_` prefix; left out: `SERVICE_name`. */
  readonly tool?: string;
  readonly class: ScopeClass;
  /** Data leaves to others. */
  readonly outward: boolean;
  /** Brings in content that others wrote. */
  readonly untrusted: boolean;
  readonly summary: string;
  /** More than the summary, where a service describes its operations itself. */
  readonly description?: string;
  /** The tool as an upstream MCP server defines it (docs/spec/upstream.md), made safe to show. */
  readonly mcp?: Readonly<Record<string, Json>>;
  /** Names of the lease constraints this operation enforces; a call under any other is refused by the cell. */
  readonly constraints?: readonly string[];
  readonly params: JsonSchema;
  readonly result: JsonSchema;
  /** For modules that carry out declared operations: what is asked, and what is taken from the answer. */
  readonly request?: Readonly<Record<string, Json>>;
}

export interface CredentialField {
  readonly title: string;
  readonly hint?: string;
  /** `spaces`: white space is taken out of what the human typed or pasted. */
  readonly strip?: 'spaces';
  /** Regular expression the value must match. */
  readonly pattern?: string;
  /** Where the provider gives it out: the page that makes an app password. `https` only. */
  readonly url?: string;
  /** May be left out; the others are sealed without it. */
  readonly optional?: true;
  /** The service gives another one while it is used, an OAuth refresh token for example; it comes back sealed (docs/spec/release.md). */
  readonly rotating?: true;
}

/**
 * `{name}` is replaced by the setting of that name. An entry of `origins` that is `{name[]}` stands for every address in
 * the comma-separated list of that setting: `https` where an address names no scheme, eight origins in all. An entry with
 * `{name?}` or `{name[]?}` is left out where that setting is empty.
 */
export type DestinationTemplate =
  | { readonly origins: readonly string[]; readonly user?: string; readonly tlsPin?: string }
  | { readonly path: string; readonly user?: string }
  | { readonly program: string; readonly origins: readonly string[]; readonly user?: string };

/** Secrets whose names the operator chooses: environment variables, request headers. */
export interface NamedFields {
  readonly title: string;
  /** Regular expression of a name. */
  readonly pattern: string;
  readonly hint?: string;
}

export interface ConnectorManifest {
  readonly connector: 1;
  readonly kind: string;
  readonly title: string;
  /** The cell loads `<module>.cjs` beside the manifest. */
  readonly module: string;
  readonly summary: string;
  readonly docs?: string;
  /** Left out: one-time codes and sign-in links in what untrusted operations bring are withheld. */
  readonly codes?: 'shown';
  /** JSON Schema of the settings; `default` values are filled in. */
  readonly settings: JsonSchema;
  readonly credential: { readonly fields: Readonly<Record<string, CredentialField>>; readonly named?: NamedFields };
  readonly destination: DestinationTemplate;
  /** What to do where a login fails, by `data.found` of Connector.test; without it airlock-ctl has words of its own. */
  readonly remedies?: Readonly<Record<string, string>>;
  readonly operations: readonly OperationManifest[];
  /** A service of this kind lists operations of its own beside these (docs/spec/upstream.md). */
  readonly listed?: true;
}

/** One operation that a service lists itself. */
export interface ListedOperation {
  readonly operation: OperationManifest;
  /** Lower-case hexadecimal SHA-256 of the canonical JSON of the definition exactly as the service gave it. */
  readonly hash: string;
  /** Why nobody can call it; told to the operator. */
  readonly problem?: string;
}

export interface ConnectorContext {
  readonly manifest: ConnectorManifest;
  readonly settings: Settings;
  readonly credential: Credential;
  /** The only origins, or the only path, the connector may touch. */
  readonly destination: Destination;
  readonly clock: Clock;
  /**
   * Tells what the service says outside calls: `{notify: {method, params}}` with a method of NOTICES. What is too much, too
   * large or of another form is dropped.
   */
  readonly emit?: (event: Json) => void;
  /** Tells the operator, and nobody else, what a program of the service wrote to stderr last; masked and made visible by the cell. */
  readonly said?: (text: string) => void;
  /**
   * Changes rotating fields of the credential, once in a cell; there only where the kind has such fields. `work` asks the service and
   * gives the new values; it is called when no other cell of the service is doing so, and its result is stored before this resolves.
   * @throws AirlockError UNAVAILABLE where the credential was changed meanwhile: a fresh cell has the new one
   */
  readonly rotate?: (work: (credential: Credential) => Promise<Credential>) => Promise<void>;
  /** Socket of the process that runs programs for this cell (docs/spec/upstream.md); left out where there is none. */
  readonly hostSocket?: string;
}

/** Talking with whoever made the call, while it runs. */
export interface ConnectorExchange {
  /** What the caller's MCP client said (ExchangeMcp). */
  readonly mcp: Json;
  /** Tells; a method of NOTICES. What is too much, too large or of another form is dropped. Never throws. */
  notify(method: string, params: Json): void;
  /**
   * Asks; a method of QUESTIONS.
   * @returns the result of the reply
   * @throws Error named AskRefused with `rpc`, the JSON-RPC error of the reply, or of the cell: it may not be asked, or the call is over
   */
  ask(method: string, params: Json): Promise<Json>;
}

export interface OperationContext {
  /** Aborted where the call took too long, or somebody cancelled it. */
  readonly signal: AbortSignal;
  readonly constraints: Readonly<Record<string, Json>>;
  /** There only where somebody listens. */
  readonly exchange?: ConnectorExchange;
}

export interface OperationResult {
  readonly result: Json;
  /** Number of items, for the audit record. */
  readonly count: number;
  readonly truncated?: boolean;
  readonly masked?: number;
}

export interface ConnectorSession {
  execute(operation: string, params: Params, context: OperationContext): Promise<OperationResult>;
  /** What the service lists now; of kinds with `listed` only. @throws AirlockError as `execute` */
  list?(): Promise<readonly ListedOperation[]>;
  /** Called when the service says that its list is another. */
  onListChanged?(listener: () => void): void;
  close(): Promise<void>;
}

/** Exported by a connector module as `connector`. */
export interface Connector {
  open(context: ConnectorContext): Promise<ConnectorSession>;
  /**
   * Logs in and out again.
   * @throws AirlockError UPSTREAM_REFUSED, UPSTREAM_TIMEOUT or UNAVAILABLE; `data.found` is one of
   *   bad_credentials, imap_disabled, no_network, tls, other.
   */
  test(context: ConnectorContext): Promise<void>;
}
