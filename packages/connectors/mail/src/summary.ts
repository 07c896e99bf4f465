/** A message as lists and get_message show it. */
import type { Json } from '@airlock/protocol';
import { addressesOf, dateOf, textOf, type Fields, type MailAddress } from './mime/header.js';
import { attachmentsOf, type Part } from './mime/part.js';

/** What a store knows of a message. */
export interface Listed {
  readonly id: string;
  readonly fields: Fields;
  readonly root: Part;
  readonly unread: boolean;
  readonly size: number;
  /** When it arrived, where it has no readable Date field. */
  readonly arrived: string | null;
}

const addressJson = ({ name, address }: MailAddress): Json => ({ name, address });

export const summaryJson = (message: Listed): Readonly<Record<string, Json>> => {
  const { fields } = message;
  const [from] = addressesOf(fields, 'from');
  const attachments = attachmentsOf(message.root);
  return {
    id: message.id,
    from: from ? addressJson(from) : null,
    to: addressesOf(fields, 'to').map(addressJson),
    subject: textOf(fields, 'subject'),
    date: dateOf(fields) ?? message.arrived,
    unread: message.unread,
    size: message.size,
    has_attachment: attachments.length > 0,
    attachments: attachments.map((attachment) => ({ ...attachment })),
  };
};

/** The members that only get_message has, without the body. */
export const detailJson = (fields: Fields): Readonly<Record<string, Json>> => ({
  cc: addressesOf(fields, 'cc').map(addressJson),
  reply_to: addressesOf(fields, 'reply-to').map(addressJson),
  message_id: fields.has('message-id') ? textOf(fields, 'message-id') : null,
});
