/** The part of html-to-text 10 that is used here; it ships no types. */
declare module 'html-to-text' {
  export interface DomNode {
    readonly type: string;
    readonly name?: string;
    readonly attribs?: Readonly<Record<string, string>>;
    readonly parent?: DomNode | null;
    children?: DomNode[];
    data?: string;
  }
  export interface Builder {
    readonly options: { readonly formatters: Readonly<Record<string, Formatter>> };
    readonly metadata: unknown;
  }
  export type Walk = (nodes: DomNode[], builder: Builder) => void;
  export type Formatter = (node: DomNode, walk: Walk, builder: Builder, options: Readonly<Record<string, unknown>>) => void;
  export interface Selector {
    readonly selector: string;
    readonly format: string;
    readonly options?: Readonly<Record<string, unknown>>;
  }
  export interface Options {
    readonly wordwrap?: false | number;
    readonly limits?: Readonly<Record<string, number | string>>;
    readonly selectors?: readonly Selector[];
    readonly formatters?: Readonly<Record<string, Formatter>>;
    readonly baseElements?: { readonly selectors: readonly string[]; readonly returnDomByDefault: boolean };
  }
  export const compile: (options: Options) => (html: string, metadata?: unknown) => string;
}
