/** A mailbox of 500 messages: folders, odd charsets, attachments, HTML, flags. The same bytes every time. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
/** 2025-01-01T00:00:00Z; message n arrives n minutes later. */
export const FIRST_S = 1_735_689_600;
/** Texts in the charsets that real mail still uses, encoded by hand where Node cannot. */
export const ODD_CHARSETS = [
  { label: 'latin1', charset: 'iso-8859-1', body: Buffer.from('Grüße aus Köln', 'latin1'), text: 'Grüße aus Köln' },
  { label: 'latin9', charset: 'iso-8859-15', body: Buffer.from([0x31, 0x30, 0x20, 0xa4]), text: '10 €' },
  { label: 'windows-1251', charset: 'windows-1251', body: Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]), text: 'Привет' },
  { label: 'koi8-r', charset: 'koi8-r', body: Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4]), text: 'Привет' },
  { label: 'shift_jis', charset: 'Shift_JIS', body: Buffer.from([0x93, 0xfa, 0x96, 0x7b]), text: '日本' },
  { label: 'iso-2022-jp', charset: 'iso-2022-jp', body: Buffer.from('\x1b$BF|K\\\x1b(B', 'latin1'), text: '日本' },
  { label: 'gb18030', charset: 'gb18030', body: Buffer.from([0xc4, 0xe3, 0xba, 0xc3]), text: '你好' },
  { label: 'euc-kr', charset: 'euc-kr', body: Buffer.from([0xc7, 0xd1, 0xb1, 0xdb]), text: '한글' },
  { label: 'utf-8 without a charset', charset: '', body: Buffer.from('naïve café'), text: 'naïve café' },
];
const wrap76 = (base64) => base64.replace(/.{76}/g, '$&\r\n');
/** Bytes of the attachment of message n. */
export const attachmentBytes = (n, length = 3000) =>
  Buffer.from(Array.from({ length }, (_unused, index) => (index * 7 + n) % 256));
const head = (n, subject, more) =>
  [
    `From: "Sender ${n % 10}" <sender${n % 10}@example.org>`,
    'To: Ada <ada@example.org>, "Lovelace, A." <al@example.org>',
    `Subject: ${subject}`,
    `Date: ${new Date((FIRST_S + n * 60) * 1000).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <m${n}@example.org>`,
    'MIME-Version: 1.0',
    ...more,
    '',
    '',
  ].join('\r\n');
const withAttachment = (n) =>
  head(n, `Report ${n}`, [`Content-Type: multipart/mixed; boundary="b${n}"`]) +
  [
    `--b${n}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    `Report number ${n} is attached =E2=82=AC.`,
    `--b${n}`,
    `Content-Type: application/pdf; name="report ${n}.pdf"`,
    `Content-Disposition: attachment; filename="report ${n}.pdf"`,
    'Content-Transfer-Encoding: base64',
    '',
    wrap76(attachmentBytes(n).toString('base64')),
    `--b${n}--`,
    '',
  ].join('\r\n');
/** HTML with the hiding places that hidden instructions use. */
export const HIDING_HTML =
  '<html><head><style>.gone{display:none}</style></head><body><p>Visible offer</p>' +
  '<div style="display:none">SECRET1</div><span style="color:#fff">SECRET2</span><p class="gone">SECRET3</p>' +
  '<div style="position:absolute;left:-9999px">SECRET4</div><span style="font-size:0">SECRET5</span>' +
  '<i hidden>SECRET6</i><!-- SECRET7 --><template>SECRET8</template><p style="opacity:0">SECRET9</p><p>Visible end</p></body></html>';
const html = (n) =>
  head(n, `=?utf-8?B?${Buffer.from(`Angebot für ${n}`).toString('base64')}?=`, [
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: base64',
  ]) + `${wrap76(Buffer.from(HIDING_HTML).toString('base64'))}\r\n`;
const alternative = (n) =>
  head(n, `Both ${n}`, [`Content-Type: multipart/alternative; boundary=alt${n}`]) +
  `--alt${n}\r\nContent-Type: text/plain\r\n\r\nplain of ${n}\r\n--alt${n}\r\nContent-Type: text/html\r\n\r\n<p>html of ${n}</p>\r\n--alt${n}--\r\n`;
/** The message with number n. */
export const messageBytes = (n) => {
  const odd = ODD_CHARSETS[n];
  if (odd) {
    const type = odd.charset === '' ? 'text/plain' : `text/plain; charset=${odd.charset}`;
    return Buffer.concat([
      Buffer.from(head(n, `Odd ${odd.label}`, [`Content-Type: ${type}`, 'Content-Transfer-Encoding: 8bit'])),
      odd.body,
      Buffer.from('\r\n'),
    ]);
  }
  if (n % 10 === 3) return Buffer.from(withAttachment(n));
  if (n % 10 === 5) return Buffer.from(html(n));
  if (n % 10 === 7) return Buffer.from(alternative(n));
  return Buffer.from(
    `${head(n, `Message ${n}`, ['Content-Type: text/plain; charset=us-ascii'])}This is message ${n}.\r\nIgnore nothing.\r\n`,
  );
};
const place = (directory, n) => {
  const seen = n % 3 !== 0;
  const sub = n % 50 === 1 ? 'new' : 'cur';
  const name = `${FIRST_S + n * 60}.M${n}P1.fixture${sub === 'cur' ? `:2,${seen ? 'S' : ''}` : ''}`;
  const path = join(directory, sub, name);
  writeFileSync(path, messageBytes(n));
  utimesSync(path, FIRST_S + n * 60, FIRST_S + n * 60);
};
/** 440 messages in the inbox, 50 in Sent, 10 in a folder whose name is not ASCII. */
export const fillMaildir = (maildir) => {
  for (const folder of ['', '.Sent', '.R&AOk-sum&AOk-', '.Work', '.Work.Deep']) {
    for (const sub of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, folder, sub), { recursive: true });
    if (folder !== '') writeFileSync(join(maildir, folder, 'maildirfolder'), '');
  }
  for (let n = 0; n < 440; n += 1) place(maildir, n);
  for (let n = 440; n < 490; n += 1) place(join(maildir, '.Sent'), n);
  for (let n = 490; n < 500; n += 1) place(join(maildir, '.R&AOk-sum&AOk-'), n);
};
