/** A service kind that no daemon was built with: a manifest and a module, written to a connector folder of a test. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installListerKind } from './lister-kind.js';
import { startTestInstance, type InstanceOptions, type Running } from './instance.js';

const operation = (name: string, properties: object = {}, more: object = {}): object => ({
  ...{ name, class: 'read', outward: false, untrusted: false, summary: `The operation ${name}` },
  params: { type: 'object', additionalProperties: false, properties },
  result: { type: 'object' },
  ...more,
});

/** What `talk` does, step by step (SAY below). */
const SCRIPT = { type: 'array', maxItems: 100, items: { type: 'object' } };

const MANIFEST = {
  connector: 1,
  kind: 'fixture',
  title: 'Fixture',
  module: 'fixture',
  summary: 'Does what a test asks of it',
  settings: {
    type: 'object',
    additionalProperties: false,
    required: ['port'],
    properties: {
      port: { type: 'integer', minimum: 1, maximum: 65_535 },
      dial: { type: 'boolean', default: false },
    },
  },
  credential: { fields: { token: { title: 'Token' } } },
  destination: { origins: ['tcp://127.0.0.1:{port}'], user: 'fixture' },
  operations: [
    operation('echo', { text: { type: 'string', maxLength: 1000 } }),
    operation('pid'),
    operation('hang'),
    operation('spin'),
    operation('secret'),
    operation('fail', { text: { type: 'string' } }),
    operation('change', {}, { class: 'write' }),
    operation('talk', { script: SCRIPT }, { untrusted: true }),
    operation('talk_write', { script: SCRIPT }, { class: 'write' }),
    operation('deliver', { text: { type: 'string', maxLength: 1000 }, to: { type: 'string' } }, { class: 'write' }),
  ],
};

/** The same with a credential like an app password: blanks are taken out, and one field may be left out. */
const APP_MANIFEST = {
  ...MANIFEST,
  kind: 'app',
  title: 'App',
  summary: 'Asks for a password as a mail provider does',
  credential: {
    fields: {
      password: {
        title: 'App password',
        hint: '16 letters',
        url: 'https://example.org/app-passwords',
        strip: 'spaces',
        pattern: '^([a-z]{16}|found-[a-z_]+)$',
      },
      note: { title: 'Note', optional: true },
    },
  },
  remedies: { imap_disabled: 'switch it on at https://example.org/settings' },
};

/** Logs in with a token that is good once: each use gives the next one (`rotating`). */
const ROTOR_MANIFEST = {
  ...MANIFEST,
  kind: 'rotor',
  title: 'Rotor',
  summary: 'Has a token that changes with each use, as an OAuth refresh token does',
  credential: { fields: { refresh: { title: 'Refresh token', rotating: true }, client: { title: 'Client' } } },
  operations: [operation('refresh'), operation('steal'), operation('empty'), operation('twice'), operation('held')],
};

/**
 * `test` fails as a credential `found-CAUSE` says (`data.found`). `dial`: connects to the destination when the session is opened. `hang` never ends, `spin` never yields,
 * `deliver` sends a line to the destination and waits for `ok`,
 * `talk` and `talk_write` say and ask what their script says, under whatever channel they have,
 * `secret` tries to hand out the credential in every form, `pid` says which process the cell is.
 */
const MODULE = `'use strict';
const net = require('node:net');
const dialled = ({ settings, destination }) => new Promise((resolve, reject) => {
  if (settings.dial !== true) return resolve(null);
  const [{ host, port }] = destination.origins;
  const socket = net.connect({ host, port }, () => resolve(socket));
  socket.once('error', reject);
});
const forms = (token) => ({
  raw: 'the token is ' + token,
  base64: Buffer.from(token).toString('base64'),
  base64url: Buffer.from(token).toString('base64url'),
  hex: Buffer.from(token).toString('hex'),
  url: encodeURIComponent(token),
  percent: Array.from(Buffer.from(token), (byte) => '%' + byte.toString(16).padStart(2, '0')).join(''),
  dump: Array.from(Buffer.from(token), (byte) => byte.toString(16).padStart(2, '0')).join(' '),
  shifted: [1, 2].map((n) => Buffer.concat([Buffer.alloc(n, 120), Buffer.from(token + 'tail')]).toString('base64')),
  hidden: Array.from(token).join('\\u200b'),
  halves: [{ part: token.slice(0, 9), n: 1 }, { part: token.slice(9), n: 2 }],
  named: { [token.slice(0, 9)]: token.slice(9) },
  chars: Array.from(token),
  halvesOfHex: { a: Buffer.from(token).toString('hex').slice(0, 17), b: Buffer.from(token).toString('hex').slice(17) },
  nested: { list: [{ deep: token }] },
  ['key ' + token]: 1,
});
/** One step each: {notify, params, times?}, {ask, params, times?}, {emit, params}, {secret}, {wait: 'abort' | 'ever'}, {deliver}, {kill}, {log}. */
const step = async (context, { exchange, signal }, one, token) => {
  const params = one.secret === true ? { ...one.params, data: 'the token is ' + token + ' or ' + Buffer.from(token).toString('base64') } : one.params ?? {};
  if (one.kill === true) process.kill(process.pid, 'SIGKILL');
  if (one.wait === 'ever') return new Promise(() => undefined);
  if (one.wait === 'abort') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(refusal('UNAVAILABLE', 'obeyed'))));
  if (one.deliver !== undefined) return (await deliver(context, { text: one.deliver })).result;
  const times = Array.from({ length: one.times ?? 1 });
  if (one.notify !== undefined) return void times.forEach((_, n) => exchange?.notify(one.notify, { ...params, n }));
  if (one.emit !== undefined) return void times.forEach(() => context.emit({ notify: { method: one.emit, params } }));
  if (one.ask === undefined || exchange === undefined) return null;
  const replies = times.map(() => exchange.ask(one.ask, params).catch((error) => ({ refused: error.rpc ?? error.message })));
  return Promise.all(replies);
};
const talk = async (context, call, { script }) => {
  const said = [];
  for (const one of script) said.push((await step(context, call, one, context.credential.token)) ?? null);
  return { result: { said, mcp: call.exchange?.mcp ?? null }, count: 1 };
};
/** One refresh: the token out, the next one back; \`no\` where it was not the one of now. */
const refresh = (context) => context.rotate(async ({ refresh: token }) => {
  const next = await line(context, 'refresh ' + token);
  if (next === 'no') throw refusal('UPSTREAM_REFUSED', 'the token is not the one of now');
  return { refresh: next };
});
const line = ({ destination }, text) => new Promise((resolve, reject) => {
  const [{ host, port }] = destination.origins;
  let answer = '';
  const socket = net.connect({ host, port }, () => socket.write(text + '\\n'));
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
    if (!answer.includes('\\n')) return;
    socket.destroy();
    resolve(answer.trim());
  });
  socket.on('error', reject);
});
const ROTOR = {
  refresh: async (context) => { await refresh(context); return { ok: true }; },
  steal: async (context) => { await context.rotate(async () => ({ client: 'another' })); return { ok: true }; },
  empty: async (context) => { await context.rotate(async () => ({})); return { ok: true }; },
  twice: async (context) => { await refresh(context); await refresh(context); return { ok: true }; },
  held: async ({ credential }) => ({ length: credential.refresh.length, sum: Array.from(credential.refresh).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) }),
};
const refusal = (code, text) => Object.assign(new Error(text), { name: 'AirlockError', code, data: { code } });
/** One line out, one line back: what the other side counts is what happened. */
const deliver = ({ settings, destination }, { text }) => dialled({ settings: { ...settings, dial: true }, destination }).then((socket) => new Promise((resolve, reject) => {
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
    if (!answer.includes('\\n')) return;
    socket.destroy();
    if (answer === 'ok\\n') resolve({ result: { delivered: true }, count: 1 });
    else reject(refusal('UPSTREAM_REFUSED', 'refused: nothing was delivered'));
  });
  socket.on('close', () => reject(refusal('OUTCOME_UNKNOWN', 'the connection ended before the answer came')));
  socket.write(text + '\\n');
}), () => { throw refusal('UNAVAILABLE', 'cannot be reached: nothing was delivered'); });
exports.connector = {
  open: async (context) => {
    const socket = await dialled(context);
    return {
      execute: async (operation, params, call) => {
        if (Object.hasOwn(ROTOR, operation)) return { result: await ROTOR[operation](context), count: 1 };
        if (operation === 'hang') return new Promise(() => undefined);
        if (operation === 'spin') for (;;);
        if (operation === 'fail') throw new Error(params.text + context.credential.token);
        if (operation === 'talk' || operation === 'talk_write') return talk(context, call, params);
        if (operation === 'deliver') return deliver(context, params);
        if (operation === 'pid') return { result: { pid: process.pid }, count: 1 };
        if (operation === 'secret') return { result: forms(context.credential.token), count: 1 };
        return { result: { text: params.text ?? null, settings: context.settings }, count: 1 };
      },
      close: async () => void socket?.destroy(),
    };
  },
  test: async (context) => {
    const [, found] = /^found-(\\w+)$/.exec(context.credential.token ?? context.credential.password) ?? [];
    if (found !== undefined) {
      const code = found === 'no_network' ? 'UNAVAILABLE' : 'UPSTREAM_REFUSED';
      throw Object.assign(new Error('the login failed'), { name: 'AirlockError', code, data: { code, found } });
    }
    (await dialled(context))?.destroy();
  },
};
`;

/** Writes `connectors/` below a configuration directory. */
export const installFixtureKind = (configDir: string): void => {
  const connectors = join(configDir, 'connectors');
  mkdirSync(connectors, { recursive: true, mode: 0o755 });
  writeFileSync(join(connectors, 'fixture.json'), JSON.stringify(MANIFEST));
  writeFileSync(join(connectors, 'app.json'), JSON.stringify(APP_MANIFEST));
  writeFileSync(join(connectors, 'rotor.json'), JSON.stringify(ROTOR_MANIFEST));
  writeFileSync(join(connectors, 'fixture.cjs'), MODULE);
  installListerKind(configDir);
};

export interface FixtureOptions {
  readonly name?: string;
  readonly token?: string;
  readonly port?: number;
  readonly dial?: boolean;
}

/** Adds a service of the fixture kind with its credential, approved with a fresh code. */
export const addFixture = async (
  running: Running,
  { name = 'fixture', token = 'fixture-token-1', port = 9, dial = false }: FixtureOptions = {},
): Promise<void> => {
  const settings = ['--set', `port=${port}`, '--set', `dial=${dial}`];
  const result = await running.command(
    'airlock-ctl',
    ['service', 'add', 'fixture', '--name', name, ...settings, '--stdin', '--json'],
    { stdin: `${token}\n${running.freshCode()}\n` },
  );
  if (result.status !== 0) throw new Error(`service add: ${result.stdout}${result.stderr}`);
};

/** Files of a configuration directory. */
export interface FixtureConfig {
  /** airlock.yaml */
  readonly yaml?: string;
  /** File names below policies/ to their texts. */
  readonly policies?: Readonly<Record<string, string>>;
}

/** A running instance whose configuration directory a test edits. */
export interface Configured extends Running {
  /** Writes a file below the configuration directory whole, or removes it where the text is null; nothing is reloaded by it. */
  edit(file: string, text: string | null): void;
}

const editIn = (directory: string, file: string, text: string | null): void => {
  const path = join(directory, file);
  if (text === null) return rmSync(path, { force: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
};

const writePolicies = (config: string, policies: Readonly<Record<string, string>>): void => {
  mkdirSync(join(config, 'policies'), { mode: 0o755 });
  for (const [name, text] of Object.entries(policies)) writeFileSync(join(config, 'policies', name), text);
};

/** An instance with a configuration directory of its own in which the fixture kind is installed. */
export const startWithFixture = async ({
  yaml,
  policies,
  ...options
}: Omit<InstanceOptions, 'config'> & FixtureConfig = {}): Promise<Configured> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  installFixtureKind(config);
  if (yaml !== undefined) writeFileSync(join(config, 'airlock.yaml'), yaml);
  if (policies !== undefined) writePolicies(config, policies);
  const running = await startTestInstance({ ...options, config });
  const stop = async (): Promise<void> => {
    await running.stop();
    rmSync(config, { recursive: true, force: true });
  };
  // The launcher takes the one to the other when a daemon starts again.
  const directories = [config, running.env['AIRLOCK_CONFIG_DIR'] ?? config];
  const edit = (file: string, text: string | null): void => directories.forEach((directory) => editIn(directory, file, text));
  return { ...running, stop, edit };
};
