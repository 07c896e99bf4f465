/** What both commands are made from: the table, its parser tree, help, completion, manual pages and progress. */
export * from './completion.js';
export * from './manual.js';
export * from './meta.js';
export * from './output.js';
export * from './progress.js';
export * from './roff.js';
export * from './table.js';
export * from './topics.js';
export * from './tree.js';
