/** What clients send that is no request, the code they are answered with, and whether they may go on. */
import type { ErrorCode } from '@airlock/protocol';

export interface BadFrame {
  readonly name: string;
  readonly bytes: Buffer;
  readonly code: ErrorCode;
  readonly goesOn: boolean;
}

const closes = (name: string, bytes: string | Buffer, code: ErrorCode = 'FRAME_INVALID'): BadFrame => ({
  name,
  bytes: Buffer.from(bytes),
  code,
  goesOn: false,
});

const goesOn = (name: string, line: string, code: ErrorCode = 'FRAME_INVALID'): BadFrame => ({
  name,
  bytes: Buffer.from(`${line}\n`),
  code,
  goesOn: true,
});

const message = (name: string, members: unknown, code: ErrorCode = 'FRAME_INVALID'): BadFrame =>
  goesOn(name, JSON.stringify(members), code);
const base = { jsonrpc: '2.0', id: 1, method: 'echo' };
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

export const BAD_FRAMES: readonly BadFrame[] = [
  closes('an empty line', '\n'),
  closes('a word', 'hello\n'),
  closes('HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  closes('a TLS hello', Buffer.from('160301020001', 'hex')),
  closes('an SSH banner', 'SSH-2.0-OpenSSH_9.2\r\n'),
  closes('NUL', Buffer.from('000a', 'hex')),
  closes('a binary frame', Buffer.from('0100000001ff', 'hex')),
  closes('a carriage return alone', '\r\n'),
  closes('a tab before the object', `\t${JSON.stringify(base)}\n`),
  closes('invalid UTF-8', Buffer.from('7b22ff223a317d0a', 'hex')),
  closes('an overlong encoding', Buffer.from('7b22c0af223a317d0a', 'hex')),
  closes('an encoded surrogate', Buffer.from('7b22eda080223a317d0a', 'hex')),
  closes('a byte order mark', `\ufeff${JSON.stringify(base)}\n`),
  closes('trailing garbage', `${JSON.stringify(base)} x\n`),
  closes('two objects on a line', `${JSON.stringify(base)}${JSON.stringify(base)}\n`),
  closes('a trailing comma', '{"jsonrpc":"2.0",}\n'),
  closes('an open object', '{"jsonrpc":"2.0"\n'),
  closes('an open string', '{"jsonrpc":"2.0\n'),
  closes('NaN', '{"jsonrpc":"2.0","id":NaN}\n'),
  closes('a control character', '{"a":"\u0001"}\n'),
  closes('a megabyte and one byte', `{${'x'.repeat(1024 * 1024)}\n`, 'FRAME_TOO_LARGE'),
  closes('a megabyte without an end', Buffer.alloc(1024 * 1024 + 1, 0x7b), 'FRAME_TOO_LARGE'),
  closes('an answer never asked for', '{"jsonrpc":"2.0","id":1,"result":{}}\n'),
  closes('an error never asked for', '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"x"}}\n'),
  closes('an error about the connection', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}\n'),
  message('a batch', [base]),
  message('an empty batch', []),
  message('a text', 'echo'),
  message('a number', 5),
  message('null', null),
  message('true', true),
  message('an empty object', {}),
  message('no jsonrpc', { id: 1, method: 'echo' }),
  message('jsonrpc 1.0', { ...base, jsonrpc: '1.0' }),
  message('jsonrpc as a number', { ...base, jsonrpc: 2 }),
  message('no method', { jsonrpc: '2.0', id: 1 }),
  message('a method that is a number', { ...base, method: 5 }),
  message('a method that is an object', { ...base, method: {} }),
  message('a method that is null', { ...base, method: null }),
  message('an id that is null', { ...base, id: null }),
  message('an id that is an object', { ...base, id: {} }),
  message('an id that is true', { ...base, id: true }),
  message('an id with a fraction', { ...base, id: 1.5 }),
  message('an id of 65 characters', { ...base, id: 'x'.repeat(65) }),
  goesOn('an id beyond safe integers', '{"jsonrpc":"2.0","id":9007199254740993,"method":"echo"}'),
  message('an unknown member', { ...base, extra: 1 }),
  message('request and answer at once', { ...base, result: {} }),
  message('result and error at once', { jsonrpc: '2.0', id: 1, result: {}, error: {} }),
  message('an error that is a text', { jsonrpc: '2.0', id: 1, error: 'x' }),
  message('an answer with the id null', { jsonrpc: '2.0', id: null, result: {} }),
  message('a request without an id', { jsonrpc: '2.0', method: 'echo' }),
  message('an unknown notification', { jsonrpc: '2.0', method: 'nope' }),
  message('a notification of an inherited name', { jsonrpc: '2.0', method: 'constructor' }),
  message('parameters by position', { ...base, params: [1] }, 'PARAMS_INVALID'),
  message('parameters that are a text', { ...base, params: 'x' }, 'PARAMS_INVALID'),
  message('parameters that are null', { ...base, params: null }, 'PARAMS_INVALID'),
  message('parameters that are a number', { ...base, params: 0 }, 'PARAMS_INVALID'),
  message('a parameter missing', { ...base, method: 'greet', params: {} }, 'PARAMS_INVALID'),
  message('an unknown method', { ...base, method: 'nope' }, 'METHOD_UNKNOWN'),
  message('an inherited method', { ...base, method: 'hasOwnProperty' }, 'METHOD_UNKNOWN'),
  message('a method of 100,000 characters', { ...base, method: 'x'.repeat(100_000) }, 'METHOD_UNKNOWN'),
  message('a method in another case', { ...base, method: 'Echo' }, 'METHOD_UNKNOWN'),
  message('a method the state forbids', { ...base, method: 'secret', params: { name: 'x' } }, 'NOT_AUTHENTICATED'),
  goesOn('a duplicate key', '{"jsonrpc":"2.0","id":1,"method":"echo","method":"boom"}'),
  goesOn('a duplicate id', '{"jsonrpc":"2.0","id":1,"id":2,"method":"echo"}'),
  goesOn('a duplicate by escape', '{"jsonrpc":"2.0","id":1,"method":"echo","meth\\u006fd":"boom"}'),
  goesOn('a duplicate in the parameters', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1,"a":2}}'),
  goesOn('a lone surrogate', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\\ud800"}}'),
  goesOn('a lone surrogate in a key', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"\\udc00":1}}'),
  goesOn('a lone surrogate in the method', '{"jsonrpc":"2.0","id":1,"method":"\\ud800"}'),
  goesOn('__proto__', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"__proto__":{"greeted":true}}}'),
  goesOn('__proto__ for an id', '{"jsonrpc":"2.0","__proto__":{"id":1},"method":"echo"}'),
  goesOn('33 levels', `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":${deep(31)}}}`),
  goesOn('500,000 levels', `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":${deep(500_000)}}}`),
  goesOn('a number beyond a double', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":1e999}}'),
];
