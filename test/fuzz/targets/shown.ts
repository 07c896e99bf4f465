/** What a human reads and where a request goes: the approval prompt, URLs, addresses. */
import { BlockList, isIP } from 'node:net';
import type { Origin } from '@airlock/protocol';
import type * as Address from '../../../packages/egress/src/address.js';
import type * as TargetModule from '../../../packages/egress/src/target.js';
import type * as Escape from '../../../packages/totp/src/text/escape.js';
import { inside } from '../../fire/packages.js';
import { texts } from '../seeds.js';
import { hold, refusal, type Target } from '../target.js';

const { placeOf, refusedPlace } = (await inside('egress/dist/src/address.js')) as typeof Address;
const { targetOf } = (await inside('egress/dist/src/target.js')) as typeof TargetModule;
const { escapeText, quoteText } = (await inside('totp/dist/src/text/escape.js')) as typeof Escape;

/** Written anew, character by character: what no prompt may hold as it is. */
const MISLEADS =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\u2800\ufffc\u{e0000}-\u{e0fff}]|(?! )\p{Zs}| {2}/u;
const STRAY_MARK = /(?<![\p{L}\p{M}])\p{M}|\p{M}{3}/u;

/** @throws Broken where the text as shown could mislead, or cannot be read back */
export const checkShown = (text: string): void => {
  const shown = escapeText(text);
  hold(!MISLEADS.test(shown) && !STRAY_MARK.test(shown), `shown as ${JSON.stringify(shown)}`);
  hold(!/(?<!\\)(?:\\\\)*"/.test(shown), 'foreign text ends its own quotation');
  const back = shown.replace(/\\(?:u\{([0-9A-F]+)\}|(["\\]))/g, (_all, hex?: string, plain?: string) =>
    hex === undefined ? (plain ?? '') : String.fromCodePoint(parseInt(hex, 16)),
  );
  hold(back === text, 'the text cannot be read back');
  hold(quoteText(text) === `"${shown}"`, 'quoted otherwise than escaped');
};

const SCALARS = 1_112_064;

/** Every Unicode scalar, alone and between letters. @returns how many, and the ones that mislead */
export const everyScalar = (): { readonly scalars: number; readonly misleading: readonly string[] } => {
  const misleading: string[] = [];
  let scalars = 0;
  for (let point = 0; point <= 0x10ffff; point += 1) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    scalars += 1;
    const character = String.fromCodePoint(point);
    try {
      checkShown(`${character}a${character} b`);
    } catch {
      misleading.push(`U+${point.toString(16)}`);
    }
  }
  hold(scalars === SCALARS, `${scalars} scalars`);
  return { scalars, misleading };
};

const prompt: Target = {
  name: 'prompt',
  seeds: texts(
    'find the invoice of ACME',
    'a "quoted" \\ word',
    'e\u0301\u0302\u0303 x',
    'a\n  access   mail:write',
    '\u202eabc',
    '👩‍👩‍👧',
  ),
  tokens: ['\u0301', '\u200d', '  ', '\n  match    07', '\u2028', '\u{e0041}', '"', '\\u{41}', '\ud800'],
  run: (input) => {
    checkShown(input.toString('utf8'));
    checkShown(input.toString('utf16le'));
    return 1;
  },
  refuses: () => false,
};

const ORIGINS: readonly Origin[] = [{ scheme: 'https', host: 'api.example.org', port: 443 }];

const url: Target = {
  name: 'url',
  seeds: texts(
    'https://api.example.org/v1/a?b=c#d',
    '/v1/a',
    '//api.example.org/x',
    'https://api.example.org:443/',
    'https://u:p@api.example.org/',
    'https://api.example.org.evil.example/',
    'http://[::ffff:127.0.0.1]/',
    'https://0x7f.1/',
  ),
  tokens: [
    '@',
    '//',
    '\\',
    '%2f',
    '%00',
    ':443',
    ':80',
    '。',
    'ａ',
    '#',
    '?',
    '[',
    ']',
    '..',
    'xn--',
    'javascript:',
    '\t',
    '\u00ad',
  ],
  run: (input) => {
    const { url: found } = targetOf(input.toString('utf8'), ORIGINS);
    hold(found.origin === 'https://api.example.org', `it leads to ${found.origin}`);
    hold(found.username === '' && found.password === '' && found.hash === '', 'it carries a user');
    return 1;
  },
  refuses: refusal('PARAMS_INVALID'),
};

/** Node's own idea of what is not public; a list each, for one of both would take every IPv4 address for a mapped one. */
const NOT_PUBLIC = { 4: new BlockList(), 6: new BlockList() } as const;
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  NOT_PUBLIC[4].addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 96],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NOT_PUBLIC[6].addSubnet(net, bits, 'ipv6');

const address: Target = {
  name: 'address',
  seeds: texts(
    '127.0.0.1',
    '10.1.2.3',
    '8.8.8.8',
    '169.254.169.254',
    '::1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fe80::1%eth0',
    '2001:4860:4860::8888',
    'fd00:ec2::254',
  ),
  tokens: ['::', ':', '.', 'ffff', '0x7f', '0177', '%25', '1', '255'],
  run: (input) => {
    const text = input.toString('utf8');
    const place = placeOf(text);
    const family = isIP(text);
    if ((family === 4 || family === 6) && !text.includes('%'))
      hold(place !== 'public' || !NOT_PUBLIC[family].check(text, `ipv${family}`), `${text} counts as public`);
    if (place !== 'public') hold(refusedPlace('api.example.org', true, text) !== null, `a public name leads to ${text}`);
    return place;
  },
  refuses: () => false,
};

export const SHOWN: readonly Target[] = [prompt, url, address];
