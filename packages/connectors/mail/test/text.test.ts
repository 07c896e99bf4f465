import t from 'tap';
import { attachmentPiece, Marks } from '../src/attachment.js';
import { decodeText, decodeTransfer, TransferDecoder } from '../src/mime/decode.js';
import { addressesOf, dateOf, parameterOf, parseFields, parseParametrised, textOf } from '../src/mime/header.js';
import { parseMessage } from '../src/mime/parse.js';
import { attachmentsOf, bodyParts, safeFilename } from '../src/mime/part.js';
import { cleanLine, cleanText, cutChars } from '../src/text/clean.js';
import { htmlToText } from '../src/text/html.js';
import { HIDING_HTML, ODD_CHARSETS } from './mail-fixture.js';

/** HTML in which SECRET must not be printed, and is hidden text. */
const HIDDEN: readonly string[] = [
  '<div style="display:none">SECRET</div>',
  '<div style="DISPLAY : NONE !important">SECRET</div>',
  '<div style="d\\69splay:none">SECRET</div>',
  '<div style="display/**/:none">SECRET</div>',
  '<span style="visibility:hidden">SECRET</span>',
  '<span style="opacity:0.01">SECRET</span>',
  '<span style="opacity:5%">SECRET</span>',
  '<p style="font-size:0px">SECRET</p>',
  '<p style="font-size:1px">SECRET</p>',
  '<p style="font:0px/1 serif">SECRET</p>',
  '<p style="position:absolute;left:-9999px">SECRET</p>',
  '<p style="text-indent:-999em">SECRET</p>',
  '<p style="position:fixed;top:-100vh">SECRET</p>',
  '<p style="max-height:0;overflow:hidden">SECRET</p>',
  '<p style="width:0;height:0;overflow:hidden">SECRET</p>',
  '<p style="clip:rect(0,0,0,0)">SECRET</p>',
  '<p style="clip-path: inset(100%)">SECRET</p>',
  '<p style="transform:scale(0)">SECRET</p>',
  '<p style="color:white">SECRET</p>',
  '<p style="color:#fefefe">SECRET</p>',
  '<font color="#ffffff">SECRET</font>',
  '<p style="color:transparent">SECRET</p>',
  '<p style="color:rgba(0,0,0,0)">SECRET</p>',
  '<div style="background:#222"><p style="color:#222222">SECRET</p></div>',
  '<table bgcolor="black"><tr><td>SECRET</td></tr></table>',
  '<p style="-webkit-text-fill-color:transparent">SECRET</p>',
  '<p hidden>SECRET</p>',
  '<template>SECRET</template>',
  '<noscript>SECRET</noscript>',
  '<textarea>SECRET</textarea>',
  '<select><option>SECRET</option></select>',
  '<style>.a{display:none}</style><p class="b a">SECRET</p>',
  '<style>#x{font-size:0}</style><p id=x>SECRET</p>',
  '<style>div .y{visibility:hidden}</style><div><b><i class=y>SECRET</i></b></div>',
  '<div style="visibility:hidden"><b>SECRET</b></div>',
  '<div style="font-size:0"><b>SECRET</b></div>',
  '<div style="display:none"><p style="display:block">SECRET</p></div>',
];

/** HTML in which VISIBLE is what a human sees. */
const VISIBLE: readonly string[] = [
  '<p>VISIBLE</p>',
  '<td style="font-size:0"><span style="font-size:14px">VISIBLE</span></td>',
  '<div style="visibility:hidden"><b style="visibility:visible">VISIBLE</b></div>',
  '<div style="background:#000"><p style="color:#fff">VISIBLE</p></div>',
  '<table bgcolor="#000000" style="color:white"><tr><td>VISIBLE</td></tr></table>',
  '<div style="background:url(x.png)"><p style="color:#fff">VISIBLE</p></div>',
  '<style>@media (max-width:600px){.m{display:none}}</style><p class="m">VISIBLE</p>',
  '<style>.z .m{display:none}</style><p class="m">VISIBLE</p>',
  '<p style="opacity:.8;height:20px;left:-3px">VISIBLE</p>',
  'VISIBLE',
  '<h1>VISIBLE</h1>',
];

t.test('MAIL-15 hidden text is left out, and said so', async (t) => {
  for (const html of HIDDEN) {
    const { text, hiddenDropped } = htmlToText(`<body>before ${html} after</body>`);
    t.notMatch(text, /SECRET/, html);
    t.match(text, /before[\s\S]*after/);
    t.ok(hiddenDropped, `${html} is reported`);
  }
});

t.test('what a human sees is printed, and nothing is reported', async (t) => {
  for (const html of VISIBLE) t.match(htmlToText(html), { text: /VISIBLE/, hiddenDropped: false }, html);
});

t.test('script, style, comments and head are never text, and no hidden text either', async (t) => {
  const { text, hiddenDropped } = htmlToText(
    '<head><title>T</title><style>p{color:red}</style></head><body>a<!-- SECRET --><script>SECRET</script>b</body>',
  );
  t.equal(text, 'ab');
  t.equal(hiddenDropped, false);
  t.equal(htmlToText(HIDING_HTML).text, 'Visible offer\n\nVisible end');
});

t.test('HTML made to be slow or deep is cut', async (t) => {
  const cpu = process.cpuUsage();
  for (const html of [
    '<div>'.repeat(200_000),
    '<a>'.repeat(100_000) + '</b>'.repeat(100_000),
    `<style>${'@'.repeat(200_000)}</style>x`,
    `<style>${'a,'.repeat(100_000)}</style>x`,
    '&nbsp;'.repeat(150_000),
    '<p style="'.repeat(50_000),
    ' '.repeat(1_000_000),
  ]) {
    htmlToText(html);
  }
  t.ok(process.cpuUsage(cpu).user < 15_000_000, 'all together below 15 s of processor time');
  t.equal(htmlToText('<b>x</b>'.repeat(20_000)).truncated, true);
});

t.test('characters that hide, reorder or control are neutralised', async (t) => {
  t.equal(cleanText('a\u202eb\u2066c\u200bd\u{e0041}\u{e0042}e\ufefff\u00adg'), 'abcdefg');
  t.equal(cleanText('a\x1b[31mb\x00c\x9bd'), 'a\ufffd[31mb\ufffdc\ufffdd');
  t.equal(cleanText('a\r\nb\rc\u2028d\te'), 'a\nb\nc\nd\te');
  t.equal(cleanText('👩\u200d💻 می\u200cخواهم ❤️'), '👩\u200d💻 می\u200cخواهم ❤️', 'one joiner is kept');
  t.equal(cleanText(`x${'\ufe00\ufe01'.repeat(50)}y${'\u200d\u200c'.repeat(9)}z`), 'xyz', 'rows of them are not');
  t.equal(cleanText('\ud800x'), '\ufffdx');
  t.equal(cleanLine(' two\r\n lines\x00 ', 100), 'two lines');
  t.equal(cutChars('ab😀', 3), 'ab');
});

t.test('charsets', async (t) => {
  for (const { label, charset, body, text } of ODD_CHARSETS)
    t.same(decodeText(body, charset === '' ? null : charset), { text, known: true }, label);
  t.equal(decodeText(Buffer.from('+AGEAYg-'), 'utf-7').text, '+AGEAYg-', 'UTF-7 stays as it is');
  t.equal(decodeText(Buffer.from('+AGEAYg-'), 'unicode-1-1-utf-7').known, false);
  t.equal(decodeText(Buffer.from('x'), 'no-such-charset').known, false);
  t.equal(decodeText(Buffer.from([0xe9]), null).text, 'é');
});

t.test('transfer encodings, whole and in pieces', async (t) => {
  const qp = 'a=E2=82=AC =\r\nb=3D=\nc=zz';
  const base64 = Buffer.from(Array.from({ length: 500 }, (_unused, index) => index % 256))
    .toString('base64')
    .replace(/.{76}/g, '$&\r\n');
  t.equal(decodeTransfer(Buffer.from(qp), 'quoted-printable').toString(), 'a€ b=c=zz');
  for (const [text, encoding] of [
    [qp, 'quoted-printable'],
    [base64, 'base64'],
    ['plain', '8bit'],
  ] as const) {
    const whole = decodeTransfer(Buffer.from(text), encoding);
    for (const size of [1, 2, 3, 7, 1000]) {
      const decoder = new TransferDecoder(encoding);
      const parts: Buffer[] = [];
      for (let at = 0; at < text.length; at += size)
        parts.push(decoder.push(Buffer.from(text.slice(at, at + size)), at + size >= text.length));
      t.same(Buffer.concat(parts), whole, `${encoding} by ${size}`);
    }
  }
});

t.test('an attachment larger than a piece is read in any order', async (t) => {
  const content = Buffer.from(Array.from({ length: 900_000 }, (_unused, index) => (index * 31) % 251));
  const encoded = Buffer.from(content.toString('base64').replace(/.{76}/g, '$&\r\n'));
  const part = {
    path: '2',
    type: 'a/b',
    charset: null,
    encoding: 'base64',
    encodedSize: encoded.length,
    disposition: null,
    filename: '../../x.bin',
    contentId: null,
    children: [],
  };
  const marks = new Marks();
  let bytesRead = 0;
  const read = (from: number, size: number): Promise<Buffer> => {
    bytesRead += Math.min(size, Math.max(0, encoded.length - from));
    return Promise.resolve(encoded.subarray(from, from + size));
  };
  for (const offset of [0, 262_144, 524_288, 786_432, 100, 899_990, 900_000, 2_000_000]) {
    const { result } = await attachmentPiece(part, read, marks, 'k', offset, 262_144);
    t.same(
      Buffer.from((result as { base64: string }).base64, 'base64'),
      content.subarray(offset, offset + 262_144),
      `at ${offset}`,
    );
  }
  t.ok(bytesRead < encoded.length * 4, 'later pieces do not start at the beginning again');
  const { result } = await attachmentPiece(part, read, marks, 'k', 899_000, 1000);
  t.match(result, { filename: 'x.bin', size: 900_000, size_exact: true, next_offset: null });
});

t.test('headers', async (t) => {
  const fields = parseFields(
    Buffer.from(
      'Subject: =?utf-8?Q?caf=C3=A9?=\r\n =?utf-8?B?IOKCrA==?=\r\nFrom: =?iso-8859-1?Q?J=F6rg?= <j@example.org>\r\nTo: team: a@x.org, "B, C" <b@x.org>;\r\nSubject: second\r\nDate: Wed, 1 Jan 2025 01:00:00 +0100 (CET)\r\n\r\nBody: no',
    ),
  );
  t.equal(textOf(fields, 'subject'), 'café €');
  t.same(addressesOf(fields, 'from'), [{ name: 'Jörg', address: 'j@example.org' }]);
  t.same(
    addressesOf(fields, 'to').map(({ address }) => address),
    ['a@x.org', 'b@x.org'],
  );
  t.equal(dateOf(fields), '2025-01-01T00:00:00.000Z');
  t.equal(fields.has('body'), false);
  t.equal(dateOf(parseFields(Buffer.from('Date: never\r\n\r\n'))), null);
  t.equal(
    textOf(parseFields(Buffer.from('Subject: =?utf-8?Q?a=E2=80=AEb=0D=0Ac?=\r\n\r\n')), 'subject'),
    'ab c',
    'decoded words are cleaned, too',
  );
});

t.test('parameters in all spellings', async (t) => {
  const named = (text: string): string | null => parameterOf(parseParametrised(text).parameters, 'filename');
  t.equal(named('attachment; filename="a \\"b\\".pdf"'), 'a "b".pdf');
  t.equal(named("attachment; filename*=utf-8''na%C3%AFve.txt"), 'naïve.txt');
  t.equal(named("attachment; filename*0*=utf-8''na%C3; filename*1*=%AFve; filename*2=.txt"), 'naïve.txt');
  t.equal(named('attachment; filename="=?utf-8?B?w6k=?="'), 'é');
  t.equal(named('attachment'), null);
  for (const [name, safe] of [
    ['../../etc/passwd', 'passwd'],
    ['C:\\x\\y.exe', 'y.exe'],
    ['..', null],
    ['a\r\nb\u202etxt', 'a btxt'],
  ] as const)
    t.equal(safeFilename(name), safe, name);
});

t.test('the body is chosen as a human would read it', async (t) => {
  const parse = (text: string) => parseMessage(Buffer.from(text)).root;
  const mixed = parse(
    'Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nplain\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--a--\r\n--m\r\nContent-Type: text/plain; name=notes.txt\r\n\r\nnotes\r\n--m\r\nContent-Type: text/plain\r\n\r\nfooter\r\n--m--\r\n',
  );
  t.same(
    bodyParts(mixed, 'text/plain').map(({ path }) => path),
    ['1.1', '3'],
  );
  t.same(
    bodyParts(mixed, 'text/html').map(({ path }) => path),
    ['1.2', '3'],
  );
  t.same(
    attachmentsOf(mixed).map(({ part, filename }) => [part, filename]),
    [['2', 'notes.txt']],
  );
  const related = parse(
    'Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<img src=cid:x>\r\n--r\r\nContent-Type: image/png\r\nContent-ID: <x>\r\n\r\nx\r\n--r--\r\n',
  );
  t.same(attachmentsOf(related), [], 'an embedded image is no attachment');
  t.same(
    attachmentsOf(parse('Content-Type: application/pdf\r\n\r\nx')).map(({ part }) => part),
    ['1'],
  );
});
