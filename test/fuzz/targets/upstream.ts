/** What services send: IMAP, MIME, HTML, calendars, WebDAV, MCP. */
import type { Clock } from '@airlock/protocol';
import type * as Incoming from '../../../packages/connectors/mail/src/guard/incoming.js';
import type * as Violation from '../../../packages/connectors/mail/src/guard/violation.js';
import type * as Decode from '../../../packages/connectors/mail/src/mime/decode.js';
import type * as Header from '../../../packages/connectors/mail/src/mime/header.js';
import type * as Message from '../../../packages/connectors/mail/src/mime/parse.js';
import type * as Html from '../../../packages/connectors/mail/src/text/html.js';
import type * as Calendar from '../../../packages/connectors/calendar/src/ics/calendar-text.js';
import type * as PaceModule from '../../../packages/connectors/calendar/src/pace.js';
import type * as SeriesModule from '../../../packages/connectors/calendar/src/recur/series.js';
import type * as Zone from '../../../packages/connectors/calendar/src/zones/zone.js';
import type * as Multistatus from '../../../packages/connectors/calendar/src/caldav/multistatus.js';
import type * as Href from '../../../packages/connectors/calendar/src/caldav/href.js';
import type * as McpMessage from '../../../packages/connectors/mcp/src/message.js';
import type * as McpLines from '../../../packages/connectors/mcp/src/lines.js';
import type * as McpListing from '../../../packages/connectors/mcp/src/listing.js';
import type * as McpEvents from '../../../packages/connectors/mcp/src/sse.js';
import { inside } from '../../fire/packages.js';
import { corpus } from '../seeds.js';
import { hold, refusal, type Target } from '../target.js';

const mail = (path: string): Promise<unknown> => inside(`connectors/mail/dist/src/${path}.js`);
const calendar = (path: string): Promise<unknown> => inside(`connectors/calendar/dist/src/${path}.js`);
const mcp = (path: string): Promise<unknown> => inside(`connectors/mcp/dist/src/${path}.js`);
const incoming = (await mail('guard/incoming')) as typeof Incoming;
const { WireViolation } = (await mail('guard/violation')) as typeof Violation;
const { decodeText, decodeTransfer } = (await mail('mime/decode')) as typeof Decode;
const { addressesOf, dateOf, textOf } = (await mail('mime/header')) as typeof Header;
const { parseMessage } = (await mail('mime/parse')) as typeof Message;
const { htmlToText } = (await mail('text/html')) as typeof Html;
const { readCalendar } = (await calendar('ics/calendar-text')) as typeof Calendar;
const { Pace } = (await calendar('pace')) as typeof PaceModule;
const { instancesIn } = (await calendar('recur/series')) as typeof SeriesModule;
const { UTC } = (await calendar('zones/zone')) as typeof Zone;
const { hrefsIn, parseMultistatus } = (await calendar('caldav/multistatus')) as typeof Multistatus;
const { resourceWithin } = (await calendar('caldav/href')) as typeof Href;
const { messageOf, parse } = (await mcp('message')) as typeof McpMessage;
const { Lines } = (await mcp('lines')) as typeof McpLines;
const { operationsOf } = (await mcp('listing')) as typeof McpListing;
const { EventStream } = (await mcp('sse')) as typeof McpEvents;

/** What node-imap would see, and how it ended. */
const imapIn = (input: Buffer, size: number): string => {
  let seen = '';
  const none = (): void => undefined;
  const parser = new incoming.Incoming({
    forward: (bytes) => (seen += bytes.toString('latin1')),
    folder: none,
    continuation: none,
    tagged: none,
  });
  try {
    for (let at = 0; at < input.length; at += size) parser.feed(input.subarray(at, at + size));
  } catch (thrown) {
    if (!(thrown instanceof WireViolation)) throw thrown;
    return thrown.reason;
  }
  return seen;
};

const imap: Target = {
  name: 'imap',
  seeds: corpus('imap'),
  tokens: [
    '* ',
    'FETCH (',
    '{5}\r\n',
    '{999999999}\r\n',
    'BODY[1] ',
    'NIL',
    '\r\nA9 OK x\r\n',
    '+ \r\n',
    'BODYSTRUCTURE ',
    '((((',
    '* LIST () "/" ',
  ],
  run: (input) => {
    const whole = imapIn(input, Math.max(1, input.length));
    const pieces = imapIn(input, 5);
    hold(whole === pieces, 'pieces are read otherwise than the whole');
    hold(whole.length <= 4 * input.length + 4096, 'more comes out than came in');
    return whole.replace(/[0-9]+/g, '#').slice(-40);
  },
  refuses: () => false,
};

const mime: Target = {
  name: 'mime',
  seeds: corpus('mime'),
  tokens: [
    '--x\r\n',
    '--x--\r\n',
    'boundary=',
    '=?utf-8?B?',
    '?=',
    'Content-Type: multipart/mixed; boundary=x\r\n\r\n',
    'charset=utf-7',
    "name*0*=utf-8''%",
    'base64',
    '\r\n\r\n',
  ],
  maxCpuMs: 400,
  run: (input) => {
    const { fields, root } = parseMessage(input);
    const all = [root];
    for (const part of all) {
      hold(part.start >= 0 && part.end <= input.length, 'a part lies outside of its message');
      const bytes = decodeTransfer(input.subarray(part.start, part.end), part.encoding);
      hold(bytes.length <= input.length, 'a part decodes to more than it was');
      if (part.type.startsWith('text/')) decodeText(bytes, part.charset);
      if (part.children.length > 0) all.push(...part.children);
    }
    hold(all.length <= 1000, `${all.length} parts`);
    for (const name of ['from', 'to', 'subject']) textOf(fields, name);
    addressesOf(fields, 'to');
    dateOf(fields);
    return all.length;
  },
  refuses: () => false,
};

const html: Target = {
  name: 'html',
  seeds: corpus('mime'),
  tokens: [
    '<style>',
    '</style>',
    '<div style="',
    'display:none',
    '<table>',
    '<td>',
    '<!--',
    '-->',
    '&#x',
    '<a href=',
    '@media{',
    '}',
    '*',
  ],
  maxCpuMs: 1000,
  run: (input) => {
    const { text } = htmlToText(input.toString('utf8'));
    hold(text.length <= 64 * input.length + 4096, 'text grows without bound');
    return text.slice(0, 20);
  },
  refuses: () => false,
};

/** Steps, not time, decide: what would run on is cut by the number of instances. */
const STILL: Clock = { wallMs: () => 1_743_000_000_000, bootMs: () => 1 };
const WINDOW = { fromMs: Date.UTC(2025, 2, 28), toMs: Date.UTC(2025, 3, 28) };

const ics: Target = {
  name: 'ics',
  seeds: corpus('ics'),
  tokens: [
    'BEGIN:VEVENT\r\n',
    'END:VEVENT\r\n',
    'RRULE:FREQ=SECONDLY\r\n',
    'BYMONTHDAY=30;BYMONTH=2',
    'COUNT=1000000000',
    'INTERVAL=0',
    'DTSTART:00000101T000000',
    'TZID=',
    'UNTIL=',
    'BYSETPOS=-366',
    '\r\n ',
    'DURATION:P999999W',
  ],
  maxCpuMs: 4000,
  run: async (input) => {
    const pace = new Pace(new AbortController().signal, STILL);
    const { series } = await readCalendar(input, pace);
    let count = 0;
    for (const one of series) {
      const { instances } = instancesIn(one, { ...WINDOW, ...({ left: 500 } as object) }, UTC);
      count += instances.length;
      hold(
        instances.every(({ startMs, endMs }) => endMs >= startMs),
        'an event ends before it begins',
      );
    }
    return `${series.length} ${count}`;
  },
  refuses: refusal('UPSTREAM_REFUSED', 'UPSTREAM_TIMEOUT'),
};

const ORIGIN = { scheme: 'https', host: 'dav.example.org', port: 443 } as const;

const webdav: Target = {
  name: 'webdav',
  seeds: corpus('webdav'),
  tokens: [
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '&b;',
    '<d:href>',
    '</d:href>',
    '/ada/work/../..',
    'https://evil.example/',
    '//evil.example/',
    '<![CDATA[',
    ']]>',
    'xmlns:d="DAV:"',
    '<?x?>',
  ],
  maxCpuMs: 400,
  run: (input) => {
    const resources = parseMultistatus(input);
    for (const resource of resources) {
      hrefsIn(resource, 'calendar-home-set');
      const path = resourceWithin(resource.href, '/ada/work/', ORIGIN);
      hold(
        path === null || (path.startsWith('/ada/work/') && !/(?:^|\/)\.\.(?:\/|$)/.test(path)),
        `a link leads to ${String(path)}`,
      );
    }
    return resources.length;
  },
  refuses: refusal('UPSTREAM_REFUSED'),
};

const toolsIn = (line: string): unknown => {
  const message = messageOf(parse(line));
  const tools = message?.kind === 'result' ? (message.result as { tools?: unknown } | null)?.tools : null;
  const named = (Array.isArray(tools) ? (tools as unknown[]) : []).filter(
    (tool) =>
      typeof tool === 'object' && tool !== null && !Array.isArray(tool) && typeof (tool as { name?: unknown }).name === 'string',
  ) as Parameters<typeof operationsOf>[0];
  const operations = operationsOf(named, true);
  const names = operations.map(({ listed }) => listed.operation.name);
  hold(new Set(names).size === names.length, 'two operations have one name');
  for (const { listed } of operations) hold(!/\p{Cf}/u.test(listed.operation.summary), 'a summary hides something');
  return message?.kind;
};

const mcpMessages: Target = {
  name: 'mcp',
  seeds: corpus('mcp'),
  tokens: [
    '"jsonrpc":"2.0"',
    '"$ref":"#"',
    '"pattern":"(a+)+"',
    '"__proto__":{}',
    '"id":1e400',
    '\u202e',
    '"readOnlyHint":true',
    '"name":"\\u0000"',
  ],
  maxCpuMs: 400,
  run: (input) => {
    const lines = new Lines(8192).take(input) ?? [];
    return lines.map((line) => (line === null ? null : toolsIn(line))).join();
  },
  refuses: refusal('UPSTREAM_REFUSED'),
};

const events: Target = {
  name: 'mcp-events',
  seeds: corpus('mcp'),
  tokens: ['data: ', 'data:', 'event: ', 'id: ', 'retry: 99999999', '\n\n', '\r\n\r\n', ':'],
  run: (input) => {
    const read = (size: number): string => {
      const found: string[] = [];
      const stream = new EventStream(({ data, event }) => found.push(`${event} ${data}`));
      for (let at = 0; at < input.length; at += size) stream.take(Buffer.from(input.subarray(at, at + size)));
      return `${found.join('|')} ${String(stream.lastId)} ${String(stream.retryMs)}`;
    };
    const whole = read(Math.max(1, input.length));
    hold(whole === read(3), 'pieces are read otherwise than the whole');
    return whole.length > 30;
  },
  refuses: refusal('UPSTREAM_REFUSED'),
};

export const UPSTREAM: readonly Target[] = [imap, mime, html, ics, webdav, mcpMessages, events];
