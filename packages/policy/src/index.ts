/** Pure decisions: what a role may ever get, and whether one call may happen. No I/O, no clock, default deny. */
export { withDefaults } from './arguments.js';
export * from './call.js';
export { matchCommand } from './command.js';
export { compareRuleSets, type Comparison } from './compare.js';
export { compileRules, policiesOf, type CompiledRules } from './compile.js';
export { parsePolicyText } from './parse.js';
export { RateCounters } from './rates.js';
export * from './request.js';
export { digestOfRules, parseRuleSet, type RuleSetText } from './rule-set.js';
export * from './visible.js';
export type * from './facts.js';
export type * from './rule.js';
