/** Nothing in guard takes more than linear time, whatever the text. Processor time is compared, with room, and never the wall's. */
import t from 'tap';
import { neutraliseText, newMask, redactText, scoreText, cutResult, estimateTokens } from '../src/index.js';

const SMALL = 6_000;
const TIMES = 8;

/** Texts that make a careless pattern look again and again from every place. */
const PIECES: readonly string[] = [
  ...['a', '0', '4', '-', '=', ':', '@', '://', '/', '.', '%', '\\', '&', '\u200b', '\ufe0f', '\r\n', ' ', '😀', 'é'],
  ...['sk-', 'sk-sk_', 'fm2_', 'eyJ', 'eyJ-', 'eyJaaaaaaaaaaaa.', 'xoxb-1-', 'SG.', 'glpat-', 'A3-AAAAAA-', '1234567890:'],
  ...['a=', 'password=', 'password:"', 'token: ', 'Bearer ', 'bearer bearer ', 'api_key', 'x_', 'key="a', "secret='"],
  ...[
    '-----BEGIN ',
    '-----BEGIN RSA PRIVATE KEY-----',
    '-----END ',
    'Private-Lines:',
    'otpauth://',
    'u://a:',
    '://a:b@',
    'http://',
    'https://a.b/reset?t=',
  ],
  ...['4111 ', '41111111111111111', '4-', 'DE89 ', 'DE8937040044053201300', '536-22-', '536 22 ', '+1 ', '(212) '],
  ...['a@', 'a.b@c.', '@a.', 'code ', 'your code 1', 'otp 123', 'code: 123456 ', 'verification code ', 'G-1', 'pin 12 '],
  ...['ignore ', 'ignore all ', 'ignore previous ', 'you are now ', 'system ', '<|', 'do not tell ', "don't ", 'а', 'ignоre '],
];

const ALL = { codes: true, emails: true, phones: true };
const mask = newMask(['correct-horse-battery-staple', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab']);
const WORK: Readonly<Record<string, (text: string) => unknown>> = {
  redact: (text) => redactText(text, ALL),
  mask: (text) => mask([text, text.slice(0, 100)]),
  score: scoreText,
  neutralise: neutraliseText,
  cut: (text) => cutResult(text, 1000),
  tokens: estimateTokens,
};

const cpuMs = (work: () => unknown): number => {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
};

/** How many times longer a text eight times as long takes; the least of three. What takes no time has grown by none. */
const growth = (work: (text: string) => unknown, piece: string, small: number): number => {
  const [short, long] = [small, small * TIMES].map((chars) => piece.repeat(Math.ceil(chars / piece.length)).slice(0, chars)) as [
    string,
    string,
  ];
  let isQuick = false;
  const ratios = [0, 1, 2].map((round) => {
    // Most are done in no time at the first look.
    if (round > 0 && isQuick) return 1;
    const [before, after] = [cpuMs(() => work(short)), cpuMs(() => work(long))];
    isQuick ||= after < 25;
    return isQuick ? 1 : after / Math.max(before, 1);
  });
  return Math.min(...ratios);
};

/** Linear is 8, quadratic 64. */
const MOST = 28;

for (const [name, work] of Object.entries(WORK)) {
  t.test(`${name} takes linear time on hostile texts`, async (test) => {
    for (const piece of PIECES) {
      const grown = growth(work, piece, SMALL);
      test.ok(grown < MOST, `${JSON.stringify(piece)} grew ${grown.toFixed(1)}`);
    }
  });
}

t.test('negative control: a quadratic pattern is found out', async (test) => {
  test.ok(growth((text) => /a+$/.exec(`${text}b`), 'a', SMALL) > MOST);
});
