/** Texts that are refused, each for a reason that has a name, and texts that must not be. */

export interface BadText {
  readonly name: string;
  readonly bytes: Buffer;
  /** Matches data.found. */
  readonly found: RegExp;
  readonly fatal: boolean;
}

const raw = (name: string, bytes: Buffer, found: RegExp, fatal = true): BadText => ({ name, bytes, found, fatal });
const text = (name: string, content: string, found: RegExp, fatal = true): BadText =>
  raw(name, Buffer.from(content), found, fatal);
const hex = (name: string, content: string): BadText => raw(name, Buffer.from(content, 'hex'), /invalid UTF-8/);
const nest = (levels: number, open: string, inner: string, close: string): string =>
  open.repeat(levels) + inner + close.repeat(levels);
const kept = (name: string, content: string, found: RegExp): BadText => text(name, content, found, false);

const UTF8: readonly BadText[] = [
  hex('a lone continuation byte', '7b2261223a2280227d'),
  hex('a truncated sequence', '7b2261223a22e282227d'),
  hex('an overlong slash', '7b2261223a22c0af227d'),
  hex('an overlong NUL', '7b2261223a22c080227d'),
  hex('an encoded surrogate', '7b2261223a22eda080227d'),
  hex('a surrogate pair in CESU-8', '7b2261223a22eda0bdedb892227d'),
  hex('above U+10FFFF', '7b2261223a22f4908080227d'),
  hex('a five-byte sequence', '7b2261223a22f888808080227d'),
  hex('byte FF', 'ff'),
  hex('byte FE in a key', '7b22fe223a317d'),
  hex('UTF-16 with its mark', 'fffe7b007d00'),
  hex('a sequence cut by the end', '7b2261223a22c3'),
];

const DUPLICATES: readonly BadText[] = [
  kept('a key twice', '{"a":1,"a":1}', /the key "a" twice/),
  kept('a key twice with other values', '{"a":1,"a":2}', /the key "a" twice/),
  kept('a key twice, one escaped', '{"a":1,"\\u0061":2}', /the key "a" twice/),
  kept('a key twice, both escaped', '{"\\u0061":1,"\\u0061":2}', /the key "a" twice/),
  kept('a key twice, hex in other case', '{"\\u00e9":1,"\\u00E9":2}', /the key "é" twice/),
  kept('an escaped slash', '{"a/b":1,"a\\/b":2}', /twice/),
  kept('an escaped quote', '{"a\\"b":1,"a\\u0022b":2}', /twice/),
  kept('the empty key twice', '{"":1,"":2}', /the key "" twice/),
  kept('twice far apart', '{"a":1,"b":{"c":[1,2,{"d":1}]},"a":2}', /the key "a" twice/),
  kept('twice inside', '{"x":{"a":1,"a":2}}', /the key "a" twice/),
  kept('twice inside an array', '[1,{"a":1,"a":2}]', /the key "a" twice/),
  kept('twice in the last of many', `[${'{"a":1},'.repeat(500)}{"a":1,"a":1}]`, /the key "a" twice/),
  kept('method twice', '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', /the key "method" twice/),
  kept('twice behind a text with braces', '{"s":"}{\\"a\\":","a":1,"a":2}', /the key "a" twice/),
  kept('twice after a trailing backslash pair', '{"s":"\\\\","a":1,"a":2}', /the key "a" twice/),
  kept('twice with white space', '{ "a" : 1 ,\t"a" : 2 }', /the key "a" twice/),
  kept('a surrogate pair and its escape', '{"\u{1f512}":1,"\\ud83d\\udd12":2}', /twice/),
];

const SURROGATES: readonly BadText[] = [
  kept('a high surrogate alone', '{"a":"\\ud800"}', /lone surrogate/),
  kept('a low surrogate alone', '{"a":"\\udc00"}', /lone surrogate/),
  kept('upper-case hex', '{"a":"\\uD800"}', /lone surrogate/),
  kept('a reversed pair', '{"a":"\\udd12\\ud83d"}', /lone surrogate/),
  kept('two high ones', '{"a":"\\ud83d\\ud83d\\udd12"}', /lone surrogate/),
  kept('in a key', '{"\\ud800":1}', /lone surrogate/),
  kept('in an array', '["\\udfff"]', /lone surrogate/),
  kept('after an escaped backslash', '{"a":"\\\\\\ud800"}', /lone surrogate/),
  kept('cut from its pair by a character', '{"a":"\\ud83d \\udd12"}', /lone surrogate/),
];

const DEPTH: readonly BadText[] = [
  kept('33 arrays', nest(33, '[', '', ']'), /more than 32 levels/),
  kept('33 objects', nest(33, '{"a":', '1', '}'), /more than 32 levels/),
  kept('a mixture of 33', nest(16, '[{"a":', '[]', '}]'), /more than 32 levels/),
  kept('100,000 arrays', nest(100_000, '[', '', ']'), /more than 32 levels/),
  kept('deep in the last member', `{"a":1,"b":${nest(33, '[', '', ']')}}`, /more than 32 levels/),
  text('500,000 arrays never closed', '['.repeat(500_000), /ends too early/),
];

const PROTOTYPES: readonly BadText[] = [
  kept('__proto__', '{"__proto__":{"admin":true}}', /__proto__/),
  kept('__proto__ inside', '{"a":[{"__proto__":1}]}', /__proto__/),
  kept('__proto__ escaped', '{"\\u005f_proto__":1}', /__proto__/),
  kept('a number beyond a double', '{"a":1e400}', /beyond the range/),
  kept('a negative one', '{"a":-1e400}', /beyond the range/),
];

const SYNTAX: readonly BadText[] = [
  text('nothing', '', /ends too early/),
  text('white space alone', ' ', /ends too early/),
  text('trailing garbage', '{} x', /text after the value/),
  text('two values', '{}{}', /text after the value/),
  text('a trailing bracket', '{}}', /text after the value/),
  text('a trailing comma', '{"a":1,}', /syntax/),
  text('a comma first', '[,1]', /syntax/),
  text('a comment', '{"a":1}/*x*/', /text after the value/),
  text('a byte order mark', '\ufeff{}', /syntax/),
  text('single quotes', "{'a':1}", /syntax/),
  text('a bare key', '{a:1}', /syntax/),
  text('NaN', '{"a":NaN}', /syntax/),
  text('Infinity', '[Infinity]', /syntax/),
  text('undefined', '[undefined]', /syntax/),
  text('hexadecimal', '[0x1]', /syntax|early/),
  text('a leading zero', '[01]', /syntax/),
  text('a leading plus', '[+1]', /syntax/),
  text('a bare point', '[.5]', /syntax/),
  text('an open exponent', '[1e]', /syntax/),
  text('a control character', '{"a":"\u0001"}', /control character/),
  text('a NUL', '{"a":\u0000}', /syntax/),
  text('an unknown escape', '{"a":"\\x"}', /syntax/),
  text('a short escape', '{"a":"\\u12"}', /syntax/),
  text('an open string', '{"a":"b', /ends too early/),
  text('an open object', '{"a":1', /syntax|early/),
  text('brackets that do not match', '[}', /syntax/),
  text('a no-break space', '{\u00a0"a":1}', /syntax/),
  text('HTTP', 'GET / HTTP/1.1', /syntax/),
  text('TLS', '\u0016\u0003\u0001', /syntax/),
];

export const BAD_TEXTS: readonly BadText[] = [...UTF8, ...DUPLICATES, ...SURROGATES, ...DEPTH, ...PROTOTYPES, ...SYNTAX];

export const GOOD_TEXTS: readonly string[] = [
  '{"jsonrpc":"2.0","id":1,"method":"agent.hello","params":{"client":"x","protocol":1}}',
  '{ "jsonrpc" : "2.0", "id" : "a", "result" : [1, 2.50, -0, 1E3, true, false, null] }\r',
  '{"a":"\\ud83d\\udd12","b":"\u{1f512}","c":"\\u00e9"}',
  '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
  '{"a":"a","b":"a","c":["a","a"]}',
  '{"2":1,"1":2}',
  '{"a":"\\\\ud800"}',
  '{"a":"say \\"a\\": \\"a\\""}',
  '{"a":"__proto__","b":["__proto__"]}',
  '{"constructor":1,"toString":2,"hasOwnProperty":3}',
  '{"\\\\":1,"\\"":2,"\\\\\\"":3}',
  '[]',
  '"text"',
  '12345678901234567890',
  nest(32, '[', '', ']'),
  nest(31, '{"a":', '{}', '}'),
  `[${'{"a":1,"b":[]},'.repeat(300)}0]`,
];
