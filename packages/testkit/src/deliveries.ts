/** The other side of the fixture's `deliver`: takes lines and counts them, which is what happened. */
import { createServer, type AddressInfo } from 'node:net';

export interface Deliveries {
  readonly port: number;
  /** Every line that was taken. */
  readonly lines: string[];
  /** Called with each line before it is answered; where it resolves false, no answer is sent. */
  onLine: (line: string) => boolean | Promise<boolean>;
  close(): Promise<void>;
}

/** `refuse` is refused, `hang-up` is taken and never answered, everything else is taken and answered with `ok`. */
export const startDeliveries = async (): Promise<Deliveries> => {
  const lines: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (!text.endsWith('\n')) return;
      const taken = text.trimEnd();
      text = '';
      if (taken === 'refuse') return void socket.write('no\n');
      lines.push(...taken.split('\n'));
      if (taken === 'hang-up') return void socket.destroy();
      void Promise.resolve(deliveries.onLine(taken)).then((isAnswered) => (isAnswered ? void socket.write('ok\n') : undefined));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const deliveries: Deliveries = {
    port: (server.address() as AddressInfo).port,
    lines,
    onLine: () => true,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return deliveries;
};
