/** Ways to write an address that must not be reached, or a place that leads there. */

/** This machine as the host of a URL; some of it only to parsers that are not careful. */
export const LOCAL_HOSTS: readonly string[] = [
  ...['127.0.0.1', '127.1', '127.0.1', '127.0.0.2', '127.255.255.254', '127.0.0.1.'],
  ...['0177.0.0.1', '0177.1', '017700000001', '00000177.0.0.1', '0177.0.0.0x1'],
  ...['0x7f.0.0.1', '0x7f.1', '0x7f000001', '0X7F000001', '0x7F.0.1', '0x0000007f.1'],
  ...['2130706433', '2130706434', '0', '0.0.0.0', '0x0', '00000', '0.0'],
  ...['127.0.0.1%00', '%31%32%37.0.0.1', '127%2e0%2e0%2e1', '%6c%6f%63%61%6c%68%6f%73%74', '127.0.0.%31'],
  ...['１２７.０.０.１', '127。0。0。1', '127．0．0．1', '①②⑦.⓪.⓪.①', '𝟏𝟐𝟕.𝟎.𝟎.𝟏', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ'],
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::]', '[0::0]', '[::0.0.0.1]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::FFFF:7F00:0001]', '[::ffff:0.0.0.0]', '[::127.0.0.1]', '[::7f00:1]'],
  ...[
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::127.0.0.1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
  ],
  ...['[::1%25lo]', '[fe80::1%25lo]', '[::1%lo]', '[::ffff:127.0.0.1%25lo]'],
  ...[
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'localhost.localdomain',
    'ip6-localhost',
    'loc\talhost',
    'lo\ncalhost',
  ],
  ...['127.0.0.1.nip.test', '7f000001.nip.test', 'a.127-0-0-1.nip.test', 'chain.nip.test'],
];

/** Addresses nobody may be led to: by range, edges and transitions included (IANA special-purpose registries, clouds). */
export const REFUSED_ADDRESSES: readonly string[] = [
  ...['0.0.0.0', '0.1.2.3', '0.255.255.255', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
  ...['127.0.0.1', '127.0.0.2', '127.0.0.53', '127.255.255.254', '169.254.0.1', '169.254.169.254', '169.254.170.2'],
  ...['172.16.0.1', '172.31.255.255', '192.0.0.1', '192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.1', '192.168.255.255'],
  ...[
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
  ],
  ...['168.63.129.16', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::ffff:0:7f00:1'],
  ...['64:ff9b::7f00:1', '64:ff9b::808:808', '64:ff9b:1::7f00:1', '100::1', '2001::1', '2001:2::1', '2001:10::1', '2001:20::1'],
  ...[
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd12:3456::1',
    'fd00:ec2::254',
  ],
  ...['fd20:ce::254', 'fe80::1', 'fec0::1', 'ff02::1', 'ff0e::1'],
];

/** Never even where they are sealed on purpose. */
export const NEVER_HOSTS: readonly string[] = [
  ...['0.0.0.0', '0.1.2.3', '100.100.100.200', '169.254.169.254', '169.254.170.2', '168.63.129.16', '192.0.0.192'],
  ...['198.18.0.1', '224.0.0.1', '255.255.255.255', '[::]', '[::7f00:1]', '[::ffff:7f00:1]', '[::ffff:0:7f00:1]'],
  ...[
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
  ],
];

export const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;

/** Ways out of an allowed server to `target` (`HOST:PORT`), the allowed one being `allowed`. */
export const tricks = (target: string, allowed: string): readonly string[] => [
  ...[`http://${allowed}@${target}/`, `http://user:word@${target}/`, `http://${allowed}%40${target}/`, `http://@${target}/`],
  ...[
    `http://${target}/@${allowed}`,
    `http://${target}#@${allowed}/`,
    `http://${target}?@${allowed}/`,
    `http://${target}\\@${allowed}/`,
  ],
  ...[
    `//${target}/`,
    `///${target}/`,
    `\\\\${target}/`,
    `/\\${target}/`,
    `\\/${target}/`,
    `/\t/${target}/`,
    `http:\\\\${target}/`,
  ],
  ...[`http:////${target}/`, `HTTP://${target}/`, ` http://${target}/`, `ht\ntp://${target}/`, `http://${target}/%2e%2e/`],
  ...[
    `https://${target}/`,
    `ws://${target}/`,
    `ftp://${target}/`,
    `gopher://${target}/_GET%20/`,
    `dict://${target}/d`,
    `ldap://${target}/`,
  ],
  ...[
    'file:///etc/passwd',
    `file://${target}/`,
    'data:application/json,{}',
    'javascript:0',
    'blob:null/1',
    'about:blank',
    `jar:http://${target}!/`,
  ],
];
