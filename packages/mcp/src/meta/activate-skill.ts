/** `activate_skill`: the operator's advice for a kind of task, with the operations it needs described at once. */
import { AirlockError } from '@airlock/protocol';
import { onlyKnown, optionalText } from '../arguments.js';
import { describeAll } from '../catalogue.js';
import { outputSchema, text, texts } from '../output.js';
import { toolResult } from '../result.js';
import { skillLine, skillsFor, type Skill } from '../skills/skills.js';
import { matching, unmatched } from '../skills/globs.js';
import { closedSchema } from '../tools/own-tool.js';
import { DESCRIBED_SCHEMA, describedWithin, toolNames } from './described.js';
import { READS, catalogueOf, type MetaTool } from './meta-tool.js';

/** Operations one skill describes. */
const MAX_TOOLS = 32;

const unknown = (skills: readonly Skill[]): AirlockError =>
  new AirlockError('NOT_FOUND', 'there is no skill of this name', {
    field: 'name',
    expected: skills.map(({ name }) => name).join(', ') || 'none: the operator has written no skills for this role',
    hint: 'call activate_skill without a name to list them',
  });

export const activateSkillTool: MetaTool = {
  definition: {
    name: 'activate_skill',
    title: 'Activate a skill',
    description:
      'Advice of the operator for a kind of task, with the operations it needs described at once. Without a name it lists the skills. The text is the operator’s own and may be followed.',
    inputSchema: closedSchema({ name: { type: 'string', minLength: 1, maxLength: 64 } }, []),
    outputSchema: outputSchema(
      {
        name: text,
        description: text,
        advice: text,
        tools: { type: 'array', items: DESCRIBED_SCHEMA },
        omitted: texts,
        unmatched: texts,
        skills: { type: 'array', items: { type: 'object' } },
        problems: texts,
      },
      [],
    ),
    annotations: READS,
  },
  async run(broker, args, surface) {
    onlyKnown(args, ['name']);
    const wanted = optionalText(args, 'name');
    const { skills, problems } = await skillsFor(broker);
    if (wanted === undefined) {
      const list = { skills: skills.map(skillLine), problems };
      return toolResult(JSON.stringify(list, null, 2), list);
    }
    const skill = skills.find(({ name }) => name === wanted);
    if (skill === undefined) throw unknown(skills);
    const known = toolNames(await catalogueOf(broker, surface));
    const found = matching(skill.tools, [...known.keys()]);
    const { tools, omitted } = describedWithin(broker, known, await describeAll(await broker.open(), found.slice(0, MAX_TOOLS)));
    const { name, description, advice } = skill;
    const left = { omitted: [...omitted, ...found.slice(MAX_TOOLS)], unmatched: unmatched(skill.tools, [...known.keys()]) };
    const told = [`Advice of the operator for ${name}:`, '', advice, '', 'Operations:', JSON.stringify(tools, null, 2)];
    return toolResult(told.join('\n'), { name, description, advice, tools, ...left });
  },
};
