/** A name server of a test: every answer chosen for every question, time to live 0 (RFC 1035 §4). */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface DnsRecords {
  /** Names on the way, in order. */
  readonly cnames?: readonly string[];
  readonly addresses: readonly string[];
}

export interface DnsDouble {
  readonly port: number;
  /** Names that were asked for, one entry for each time. */
  readonly asked: readonly string[];
  /** Asks this server for A and AAAA. @throws Error where there is neither */
  resolve(host: string): Promise<{ readonly address: string; readonly family: 4 | 6 }[]>;
  close(): Promise<void>;
}

const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;
/** Response, authoritative, recursion available. */
const FLAGS = 0x8580;
const NO_SUCH_NAME = 3;

const encodeName = (name: string): Buffer => {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.alloc(1),
  ]);
};

const decodeName = (message: Buffer): { readonly name: string; readonly end: number } => {
  const labels: string[] = [];
  let at = 12;
  while ((message[at] ?? 0) > 0) {
    const length = message[at] ?? 0;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
};

const expand = (address: string): Buffer => {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, head = '', ...bytes] = dotted ?? [];
  const pair = (high = '0', low = '0'): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? address : `${head}${pair(bytes[0], bytes[1])}:${pair(bytes[2], bytes[3])}`;
  const [left = '', right] = text.split('::');
  const groups = (part = ''): string[] => part.split(':').filter((group) => group !== '');
  const zeros = right === undefined ? 0 : 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array.from({ length: zeros }, () => '0'), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
};

const record = (owner: string, type: number, data: Buffer): Buffer => {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(owner), fixed, data]);
};

const answersOf = (name: string, type: number, { cnames = [], addresses }: DnsRecords): Buffer[] => {
  const owners = [name, ...cnames];
  const links = cnames.map((target, index) => record(owners[index] ?? '', TYPES.CNAME, encodeName(target)));
  const family = type === TYPES.A ? 4 : 6;
  const owner = owners.at(-1) ?? name;
  const wanted = addresses.filter((address) => isIP(address) === family && (type === TYPES.A || type === TYPES.AAAA));
  const data = wanted.map((address) => (family === 4 ? Buffer.from(address.split('.').map(Number)) : expand(address)));
  return [...links, ...data.map((bytes) => record(owner, type, bytes))];
};

const reply = (message: Buffer, records: DnsRecords | null): Buffer => {
  const { name, end } = decodeName(message);
  const answers = records === null ? [] : answersOf(name, message.readUInt16BE(end), records);
  const header = Buffer.alloc(12);
  header.writeUInt16BE(message.readUInt16BE(0), 0);
  header.writeUInt16BE(records === null ? FLAGS | NO_SUCH_NAME : FLAGS, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, message.subarray(12, end + 4), ...answers]);
};

/** @param zone what a name has at the n-th question for it, from 0 (A and AAAA of one look-up are two); null: no such name. */
export const startDnsDouble = async (zone: (name: string, count: number) => DnsRecords | null): Promise<DnsDouble> => {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { name } = decodeName(message);
    const count = asked.filter((one) => one === name).length;
    asked.push(name);
    socket.send(reply(message, zone(name, count)), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return {
    port,
    asked,
    resolve: async (host) => {
      const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const found = [
        ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 as const })) : []),
        ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 as const })) : []),
      ];
      if (found.length === 0) throw new Error('no address');
      return found;
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};
