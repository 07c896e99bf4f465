/** The skills of the role of this server. */
import type { Broker } from '../broker.js';
import { readSkills, type SkillList } from './read.js';
import type { Skill } from './parse.js';

export type { Skill } from './parse.js';

const CONFIG_DIR = '/etc/airlock';

const isFor = ({ roles }: Skill, role: string): boolean => roles === null || roles.includes(role);

/** Read anew each time: the operator writes them while servers run. @throws AirlockError UNAVAILABLE without a gateway to name the role */
export const skillsFor = async (broker: Broker): Promise<SkillList> => {
  const { role } = await broker.open();
  const { AIRLOCK_CONFIG_DIR: configured } = broker.env;
  const { skills, problems } = readSkills(configured === undefined || configured === '' ? CONFIG_DIR : configured);
  return { skills: skills.filter((skill) => isFor(skill, role)), problems };
};

/** As lists show it. */
export const skillLine = ({ name, description }: Skill): { readonly name: string; readonly description: string } => ({
  name,
  description,
});
