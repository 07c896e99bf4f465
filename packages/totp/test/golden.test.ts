/** The vectors of docs/spec/approval.md and release.md: texts, digests and frames of every released format stay as they are. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { FRAME, encodeBinaryFrame, packBlobs, sha256Hex, type Action } from '@airlock/protocol';
import { actionText, enrolmentText, type ActionFacts } from '../src/text/action-text.js';
import { leaseText, type LeaseFacts } from '../src/text/lease-text.js';

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../test/golden/${name}`, import.meta.url), 'utf8'));

interface Vector<F> {
  readonly facts: F;
  readonly text: string;
  readonly digest: string;
}

t.test('test/golden/approval.json', (t) => {
  const { lease, renewal, action, grant, enrolment } = read('approval.json') as {
    readonly lease: Vector<LeaseFacts>;
    readonly renewal: Vector<LeaseFacts>;
    readonly action: Vector<ActionFacts>;
    readonly grant: Vector<ActionFacts>;
    readonly enrolment: Vector<{ readonly operator: string; readonly actions: readonly Action[] }>;
  };
  const document = readFileSync(new URL('../../../../docs/spec/approval.md', import.meta.url), 'utf8');
  for (const { facts, text, digest } of [lease, renewal]) {
    t.equal(leaseText(facts), text);
    t.equal(sha256Hex(text), digest);
    t.ok(document.includes(`\`\`\`\n${text}\n\`\`\``), 'as printed in approval.md');
  }
  for (const { facts, text, digest } of [action, grant]) {
    t.equal(actionText(facts), text);
    t.equal(sha256Hex(text), digest);
    t.ok(document.includes(`\`\`\`\n${text}\n\`\`\``), 'as printed in approval.md');
  }
  t.equal(enrolmentText(enrolment.facts.operator, enrolment.facts.actions), enrolment.text);
  t.equal(sha256Hex(enrolment.text), enrolment.digest);
  t.end();
});

t.test('test/golden/release.json', (t) => {
  const { sealKeyRequest } = read('release.json') as {
    readonly sealKeyRequest: { readonly ticket: string; readonly frame: string };
  };
  const payload = packBlobs(Buffer.alloc(0), Buffer.from(sealKeyRequest.ticket, 'hex'));
  t.equal(encodeBinaryFrame(FRAME.SEAL_KEY_REQUEST, payload).toString('hex'), sealKeyRequest.frame);
  t.equal(sealKeyRequest.frame, `04000000220020${'11'.repeat(32)}`, 'as printed in release.md');
  t.end();
});
