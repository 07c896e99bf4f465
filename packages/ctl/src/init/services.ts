/** The services' part of `init`: which are wanted, which of them are missing, and how they are carried out. */
import {
  asAirlockError,
  destinationDigest,
  formatDestination,
  type Action,
  type AirlockError,
  type ConnectorManifest,
  type ServiceView,
} from '@airlock/protocol';
import { approveAction } from '../action.js';
import { findKind, kinds, services } from '../commands/service.js';
import { ask, withGateway, withTotp, type Context, type Link } from '../context.js';
import { note, table } from '../output.js';
import { addAction, addCommand, checkServiceName, collectSettings, placeOf, type ServiceDraft } from '../setup/draft.js';
import { readFields, requiredFields } from '../setup/fields.js';
import { askLine, confirm, endOfInput, tellError, untilFits } from '../setup/questions.js';
import { storeService } from '../setup/store.js';
import type { ServiceAnswer } from './answers.js';
import { answeredValues } from './credential-answer.js';
import { AGAIN } from './phone.js';

/** One service that is missing, or not whole. */
export interface Plan {
  readonly draft: ServiceDraft;
  readonly verb: 'service.add' | 'credentials.add';
  /** What is there under this name goes first, which takes a code of its own. */
  readonly replaces: boolean;
}

export interface Outcome {
  readonly service: string;
  readonly error: AirlockError | null;
}

/** ENROL-4. */
const MAX_SERVICES = 4;

const isSame = (there: ServiceView, { manifest, destination }: Pick<ServiceDraft, 'manifest' | 'destination'>): boolean =>
  there.kind === manifest.kind && destinationDigest(there.destination) === destinationDigest(destination);

/** What has to be done where a service of this name is there already; null: nothing. */
const planBeside = async (
  context: Context,
  draft: ServiceDraft,
  there: ServiceView,
  mayReplace: boolean,
): Promise<Plan | null> => {
  if (isSame(there, draft)) {
    const isWhole = there.updatedAt !== null || draft.values === null;
    note(context, `airlock: ${there.service} is there already${isWhole ? '' : ', without a credential'}`);
    return isWhole ? null : { draft, verb: 'credentials.add', replaces: false };
  }
  const question = `${there.service} leads to ${formatDestination(there.destination)}. Replace it by ${formatDestination(draft.destination)}?`;
  const replaces =
    mayReplace || (context.terminal.isTerminal && (await confirm(context, question, 'replacing a service', AGAIN)));
  if (replaces) return { draft, verb: 'service.add', replaces };
  note(context, `airlock: ${there.service} leads elsewhere and was kept; to replace it: replace: true in the answers file`);
  return null;
};

const planOf = async (
  context: Context,
  draft: ServiceDraft,
  there: readonly ServiceView[],
  mayReplace: boolean,
): Promise<Plan | null> => {
  const same = there.find(({ service }) => service === draft.service);
  return same ? planBeside(context, draft, same, mayReplace) : { draft, verb: 'service.add', replaces: false };
};

const secretsOf = async (context: Context, manifest: ConnectorManifest): Promise<ServiceDraft['values']> => {
  if (context.terminal.isTerminal) return readFields(context, manifest, Object.keys(manifest.credential.fields));
  return requiredFields(manifest).length === 0 ? {} : null;
};

const answeredPlan = async (
  context: Context,
  answer: ServiceAnswer,
  there: readonly ServiceView[],
  owners: readonly number[],
): Promise<Plan | null> => {
  const manifest = await findKind(context, answer.kind);
  const service = checkServiceName(answer.name);
  const place = placeOf(context, manifest, answer.settings);
  const isDone = there.some((one) => one.service === service && one.updatedAt !== null && isSame(one, { manifest, ...place }));
  const values = isDone ? null : (answeredValues(manifest, answer, owners) ?? (await secretsOf(context, manifest)));
  return planOf(context, { manifest, service, ...place, values, test: answer.test }, there, answer.replace);
};

/** By number or by name; null for an empty line. */
const chooseKind = async (context: Context, all: readonly ConnectorManifest[]): Promise<ConnectorManifest | null> => {
  const rows = all.map(({ kind, title }, index) => [String(index + 1), kind, title]);
  note(context, table(['no', 'kind', 'what it is'], rows));
  return untilFits(context, async () => {
    const text = await askLine(context, 'Which one (number or kind, empty for none): ', 'the kind of a service', AGAIN);
    return text === '' ? null : (all[Number(text) - 1] ?? (await findKind(context, text)));
  });
};

const askedDraft = async (context: Context, manifest: ConnectorManifest): Promise<ServiceDraft> => {
  const settings = await collectSettings(context, manifest, []);
  const place = placeOf(context, manifest, settings);
  const prompt = `Name, as agents will call it [${manifest.kind}]: `;
  const service = await untilFits(context, async () =>
    checkServiceName((await askLine(context, prompt, 'the name of a service', AGAIN)) || manifest.kind),
  );
  return { manifest, service, ...place, values: await secretsOf(context, manifest), test: true };
};

const askedPlans = async (context: Context): Promise<Plan[]> => {
  const all = [...(await kinds(context))].sort((a, b) => a.kind.localeCompare(b.kind));
  const plans: Plan[] = [];
  note(context, '\nA service is something agents may ask for. More can be added later.');
  while (plans.length < MAX_SERVICES) {
    const manifest = await chooseKind(context, all);
    if (manifest === null) break;
    const draft = await untilFits(context, () => askedDraft(context, manifest));
    if (plans.some((one) => one.draft.service === draft.service))
      note(context, `airlock: ${draft.service} is in the list already`);
    else {
      plans.push({ draft, verb: 'service.add', replaces: false });
      note(context, `airlock: noted: ${draft.service} (${formatDestination(draft.destination)}). Another one?`);
    }
  }
  return plans;
};

/**
 * What is missing. Asked for on a terminal where no file answers and there is no service yet.
 * @param owners who the answers file and the files it names may belong to
 */
export const planServices = async (
  context: Context,
  answers: readonly ServiceAnswer[] | null,
  owners: readonly number[],
): Promise<readonly Plan[]> => {
  const there = await services(context);
  if (answers === null) return context.terminal.isTerminal && there.length === 0 ? askedPlans(context) : [];
  const plans: Plan[] = [];
  for (const answer of answers) {
    const plan = await answeredPlan(context, answer, there, owners);
    if (plan !== null) plans.push(plan);
  }
  return plans;
};

/** What the second code of an enrolment can approve; the others take a code of their own. */
export const isListable = ({ verb, replaces }: Plan): boolean => verb === 'service.add' && !replaces;

const credentialAction = ({ service, manifest, destination, values, test }: ServiceDraft): Action => ({
  verb: 'credentials.add',
  params: { service, kind: manifest.kind, destination, fields: Object.keys(values ?? {}), test },
});

const noCode = (service: string): AirlockError => endOfInput(`the code for ${service}`, AGAIN);

const remove = async (context: Context, link: Link, service: string): Promise<void> => {
  const ticket = await approveAction(context, link, { verb: 'service.remove', params: { service } }, noCode(service));
  await withGateway(context, (gateway) => ask(gateway, 'service.remove', { ticket }));
};

const store = async (context: Context, link: Link, { draft, verb }: Plan, ticket: string): Promise<void> => {
  const isNew = verb === 'service.add';
  const again = isNew ? addCommand(draft) : `airlock-ctl credentials add ${draft.service}`;
  await storeService(context, link, { ...draft, method: isNew ? 'service.add' : 'credentials.put', ticket, again });
  note(context, `airlock: added ${draft.service} (${formatDestination(draft.destination)})`);
};

/** One that fails is told and keeps no other from being added. */
const outcomeOf = async (context: Context, { draft }: Plan, work: () => Promise<void>): Promise<Outcome> => {
  try {
    await work();
    return { service: draft.service, error: null };
  } catch (thrown) {
    const error = asAirlockError(thrown);
    tellError(context, error);
    return { service: draft.service, error };
  }
};

/** Approved with the phone: each with its ticket. */
export const addTicketed = async (
  context: Context,
  link: Link,
  plans: readonly Plan[],
  tickets: readonly string[],
): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const [index, plan] of plans.entries())
    outcomes.push(await outcomeOf(context, plan, () => store(context, link, plan, tickets[index] ?? '')));
  return outcomes;
};

/** With a phone that is enrolled already: each with a code of its own. */
export const addApproved = async (context: Context, plans: readonly Plan[]): Promise<readonly Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const plan of plans) {
    const work = (link: Link): Promise<void> =>
      (plan.replaces ? remove(context, link, plan.draft.service) : Promise.resolve()).then(async () => {
        const action = plan.verb === 'service.add' ? addAction(plan.draft) : credentialAction(plan.draft);
        return store(context, link, plan, await approveAction(context, link, action, noCode(plan.draft.service)));
      });
    outcomes.push(await outcomeOf(context, plan, () => withTotp(context, work)));
  }
  return outcomes;
};
