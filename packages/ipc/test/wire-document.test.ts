import { readFileSync } from 'node:fs';
import t from 'tap';
import { rawPeer, serve } from './harness.js';

t.test('what is no frame is answered as docs/spec/wire.md prints it', async (t) => {
  const document = readFileSync(new URL('../../../../docs/spec/wire.md', import.meta.url), 'utf8');
  const [, sent, answered] = /^→ (hello)\n← (.*)$/m.exec(document) ?? [];
  t.ok(sent && answered, 'the example is there');
  const { path } = await serve(t);
  const peer = await rawPeer(t, path);
  peer.socket.write(`${sent ?? ''}\n`);
  t.same(await peer.nextLine(), JSON.parse(answered ?? 'null'));
  await peer.closed;
});
