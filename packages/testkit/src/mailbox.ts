/** A small maildir for demos and tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SampleMessage {
  readonly from: string;
  readonly subject: string;
  readonly date: string;
  readonly body: string;
  /** Maildir flags after `:2,`; `S` is seen. */
  readonly flags?: string;
}

export const SAMPLE_MESSAGES: readonly SampleMessage[] = [
  {
    from: 'Bank <no-reply@bank.example>',
    subject: 'Your statement for October',
    date: 'Mon, 02 Nov 2026 08:00:00 +0000',
    body: 'Your statement is ready.',
    flags: 'S',
  },
  {
    from: 'Grace <grace@example.org>',
    subject: 'Lunch on Friday?',
    date: 'Tue, 10 Nov 2026 11:30:00 +0100',
    body: 'Shall we meet at noon?\n\nGrace',
  },
  {
    from: 'ACME Billing <billing@acme.example>',
    subject: 'Invoice 2026-1107',
    date: 'Sat, 14 Nov 2026 16:45:00 +0000',
    body: 'Amount due: 120.00 EUR, by 30 November.',
  },
];

const text = ({ from, subject, date, body }: SampleMessage, index: number): string =>
  [
    `From: ${from}`,
    'To: Ada <ada@example.org>',
    `Subject: ${subject}`,
    `Date: ${date}`,
    `Message-ID: <${index}@example.org>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    body,
    '',
  ].join('\r\n');

/** Writes cur/, new/, tmp/ below `path`. */
export const writeMaildir = (path: string, messages: readonly SampleMessage[] = SAMPLE_MESSAGES): void => {
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(path, folder), { recursive: true });
  messages.forEach((message, index) => {
    const seconds = Math.floor(Date.parse(message.date) / 1000);
    writeFileSync(join(path, 'cur', `${seconds}.M${index}P1.host:2,${message.flags ?? ''}`), text(message, index));
  });
};
