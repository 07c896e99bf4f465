/** A service as the operator describes it, before anything is approved: `service add` and `init` make the same. */
import {
  AirlockError,
  fillSettings,
  resolveDestination,
  SERVICE_PATTERN,
  type Action,
  type ConnectorManifest,
  type Destination,
  type Settings,
} from '@airlock/protocol';
import type { Context } from '../context.js';
import { missingSettings, parseSettings, settingProperties } from '../settings.js';
import { visiblePath } from '../paths/visible.js';
import { askLine, untilFits } from './questions.js';

export interface ServiceDraft {
  readonly manifest: ConnectorManifest;
  readonly service: string;
  readonly settings: Settings;
  readonly destination: Destination;
  /** Null: the credential comes later. */
  readonly values: Readonly<Record<string, string>> | null;
  readonly test: boolean;
}

/** @throws AirlockError PARAMS_INVALID */
export const checkServiceName = (name: string): string => {
  if (new RegExp(SERVICE_PATTERN).test(name)) return name;
  throw new AirlockError('PARAMS_INVALID', `a service cannot be called ${name}`, {
    field: '--name',
    expected: 'a-z, 0-9 and -, at most 32 characters',
    found: name,
    hint: 'choose another --name',
  });
};

/** The command that adds this once more; secrets are asked for by it. */
export const addCommand = ({
  manifest,
  service,
  settings,
  values,
}: Pick<ServiceDraft, 'manifest' | 'service' | 'settings'> & Partial<Pick<ServiceDraft, 'values'>>): string => {
  const properties = settingProperties(manifest);
  const sets = Object.entries(settings)
    .filter(([key, value]) => properties[key]?.default !== value)
    .map(
      ([key, value]) =>
        ` --set ${/^[\w@%+=:,./-]*$/.test(String(value)) ? `${key}=${String(value)}` : `'${key}=${String(value)}'`}`,
    );
  const name = service === manifest.kind ? '' : ` --name ${service}`;
  const isNamed = manifest.credential.named !== undefined;
  const secrets = isNamed ? Object.keys(values ?? {}).map((field) => ` --secret ${field}`) : [];
  return `airlock-ctl service add ${manifest.kind}${name}${sets.join('')}${secrets.join('')}`;
};

/** Settings from `key=value` texts, on a terminal asked for where they are missing. */
export const collectSettings = async (
  context: Context,
  manifest: ConnectorManifest,
  texts: readonly string[],
): Promise<Settings> => {
  const given = parseSettings(manifest, texts);
  const missing = missingSettings(manifest, given);
  if (missing.length > 0 && !context.terminal.isTerminal) {
    throw new AirlockError('PARAMS_INVALID', `settings are missing: ${missing.join(', ')}`, {
      field: `--set ${missing[0] ?? ''}`,
      expected: missing.map((key) => `--set ${key}=…`).join(' '),
      found: 'nothing',
      hint: `airlock-ctl service add ${manifest.kind} ${missing.map((key) => `--set ${key}=…`).join(' ')}`,
    });
  }
  for (const key of missing) {
    const title = settingProperties(manifest)[key]?.description ?? key;
    await untilFits(context, async () => {
      const text = await askLine(context, `${title}: `, key, `airlock-ctl service add ${manifest.kind} --set ${key}=…`);
      Object.assign(given, parseSettings(manifest, [`${key}=${text}`]));
      fillSettings({ ...manifest.settings, required: [key] }, given);
    });
  }
  return fillSettings(manifest.settings, given);
};

/**
 * Settings and destination of a service; a path of this machine is one that cells can read.
 * @throws AirlockError PARAMS_INVALID
 */
export const placeOf = (
  context: Context,
  manifest: ConnectorManifest,
  given: Settings,
): Pick<ServiceDraft, 'settings' | 'destination'> => {
  const settings = fillSettings(manifest.settings, given);
  const destination = resolveDestination(manifest, settings);
  if (!('path' in destination)) return { settings, destination };
  const seen = visiblePath(context, destination.path);
  if (seen === destination.path) return { settings, destination };
  const moved = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, value === destination.path ? seen : value]),
  );
  return { settings: moved, destination: resolveDestination(manifest, moved) };
};

/** What the operator is asked to approve. */
export const addAction = ({ manifest, service, settings, destination, values, test }: ServiceDraft): Action => ({
  verb: 'service.add',
  params: {
    service,
    kind: manifest.kind,
    settings,
    destination,
    fields: Object.keys(values ?? {}),
    test: test && values !== null,
  },
});
