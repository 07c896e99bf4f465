// Attack: kill -9 of either daemon or the cell around an approved message, against a server that counts. At most once, never a wrong claim.
import { startImapDouble, startSmtpDouble } from '@airlock/testkit';
import { attackSentMessages } from './support/sent-messages.js';

attackSentMessages(async () => {
  let isHeld = false;
  const smtp = await startSmtpDouble({ answer: ({ verb }) => verb === 'CONTENT' && isHeld });
  const imap = await startImapDouble();
  return {
    ...{ imapPort: imap.port, smtpPort: smtp.port, password: 'correct-horse' },
    taken: (subject) => smtp.messages.filter(({ data }) => data.includes(`Subject: ${subject}\r\n`)).length,
    holdBack: (held) => {
      isHeld = held;
    },
    stop: async () => {
      await smtp.stop();
      await imap.stop();
    },
  };
});
