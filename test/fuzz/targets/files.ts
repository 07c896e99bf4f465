/** What is read from disk: configuration, policies, records of the vault, lines of the log. */
import { isDeepStrictEqual } from 'node:util';
import { parseCompiledConfig } from '@airlock/protocol';
import {
  encodeSealedRecord,
  headerBytes,
  parseHeader,
  parseSealedRecord,
  type RecordHeader,
  type SealedRecord,
} from '@airlock/vault';
import { parseRecord, parseSignedHead, verifyLog, verifySignedHead } from '@airlock/audit';
import { compileRules, parsePolicyText, parseRuleSet } from '@airlock/policy';
import { parseRolesFile, parseYamlConfig } from '@airlock/ctl';
import type * as Entry from '../../../packages/gateway/src/vault/entry.js';
import { inside } from '../../fire/packages.js';
import { corpus, fileSeed, folderSeeds, golden, texts } from '../seeds.js';
import { hold, refusal, type Target } from '../target.js';

const { parseEntry } = (await inside('gateway/dist/src/vault/entry.js')) as typeof Entry;

const config: Target = {
  name: 'config',
  seeds: corpus('config'),
  tokens: ['&a', '*a', '<<: *a', '!!js', '? ', '- ', ': ', '#', '---\n', '|\n', '\t', 'digits', 'default_ttl_minutes: 481'],
  run: (input) => {
    const compiled = parseYamlConfig(input.toString('utf8'), 'airlock.yaml');
    hold(
      isDeepStrictEqual(parseCompiledConfig(JSON.parse(JSON.stringify(compiled))), compiled),
      'the compiled form is refused or read otherwise',
    );
    return 1;
  },
  refuses: refusal('CONFIG_INVALID'),
};

const roles: Target = {
  name: 'roles',
  seeds: texts('{"operators":["default"],"roles":{"default":{"operator":"default"}},"isolation":"users"}'),
  tokens: ['"roles":null', '"operator"', '{}'],
  run: (input) => Object.keys(parseRolesFile(input.toString('utf8'), 'roles.json').roles).length,
  refuses: refusal('CONFIG_INVALID'),
};

const policy: Target = {
  name: 'policy',
  seeds: folderSeeds('policies', '.json'),
  tokens: ['"rules":[]', '"decision":"allow"', '"windows":[{}]', '"*"', '"zone":"Mars/Olympus"', '"pattern":"(a+)+$"'],
  run: (input) => {
    const one = parsePolicyText(input.toString('utf8'), 'p.json');
    const set = { permissions: { read: [], use: [], write: [] }, policies: [one], attachments: {} };
    compileRules(parseRuleSet(set as unknown as Parameters<typeof parseRuleSet>[0]));
    return one.rules.length;
  },
  refuses: refusal('CONFIG_INVALID'),
};

interface GoldenVault {
  readonly header: RecordHeader;
  readonly record: SealedRecord;
}
const vault = golden('vault') as GoldenVault;

const record: Target = {
  name: 'vault-record',
  seeds: texts(encodeSealedRecord(vault.record)),
  tokens: ['"header":', '"wrapped":', 'AAAA', '=', '-_'],
  run: (input) => {
    const text = input.toString('utf8');
    hold(encodeSealedRecord(parseSealedRecord(text)) === text, 'a record has two forms');
    return 1;
  },
  refuses: refusal('VAULT_UNREADABLE'),
};

const header: Target = {
  name: 'vault-header',
  seeds: [headerBytes(vault.header)],
  tokens: ['"v":1', '"epoch":0', '"version":2'],
  run: (input) => {
    hold(headerBytes(parseHeader(input)).equals(input), 'a header has two forms');
    return 1;
  },
  refuses: refusal('VAULT_UNREADABLE'),
};

const entry: Target = {
  name: 'vault-entry',
  seeds: folderSeeds('test/golden/state-0.1.0/gateway/vault/default', '.json'),
  tokens: ['"record":null', '"v":2', '"origins":[]', '"scheme":"http"'],
  run: (input) => parseEntry('api.json', input.toString('utf8')).service,
  refuses: refusal('VAULT_UNREADABLE'),
};

interface GoldenLog {
  readonly segment: string;
  readonly publicKey: string;
  readonly heads: readonly string[];
}
const log = golden('audit') as GoldenLog;
const LOG = fileSeed('test/golden/audit.jsonl');

async function* segments(bytes: Buffer): AsyncGenerator<{ name: string; chunks: AsyncIterable<Uint8Array> }> {
  yield {
    name: log.segment,
    chunks: (async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 300) yield bytes.subarray(at, at + 300);
    })(),
  };
}

const audit: Target = {
  name: 'audit-log',
  seeds: [LOG],
  tokens: ['"seq":3', '"prev":"', '"event":"sealed"', '\n\n', '0'.repeat(64)],
  run: async (input) => {
    for (const line of input.toString('utf8').split('\n')) parseRecord(line);
    const { ok } = await verifyLog({ segments: segments(input), heads: log.heads, publicKeys: [log.publicKey] });
    hold(!ok || input.subarray(0, LOG.length).equals(LOG), 'a log that was changed verifies against its signed head');
    return ok;
  },
  refuses: () => false,
};

const head: Target = {
  name: 'signed-head',
  seeds: texts(...log.heads),
  tokens: ['\n\n— ', ' ', '+', '/', '='],
  run: (input) => {
    const note = input.toString('utf8');
    parseSignedHead(note);
    const { size } = verifySignedHead([log.publicKey], note);
    hold([2, 5].includes(size), `a signature over size ${size} that nobody made`);
    return size;
  },
  refuses: refusal('PARAMS_INVALID'),
};

export const FILES: readonly Target[] = [config, roles, policy, record, header, entry, audit, head];
