import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ICAL from 'ical.js';
import t from 'tap';
import { expandRule } from '../src/recur/expand.js';
import { parseRule, type Rule } from '../src/recur/rule.js';
import { fingerprint, ours, parseCase } from './random-rules.js';

const lines = readFileSync(join(import.meta.dirname, '../../test/golden-rules.txt'), 'utf8')
  .trim()
  .split('\n');

t.test('recorded answers of python3-dateutil', async (t) => {
  t.ok(lines.length >= 2000);
  const wrong = lines.filter((line) => {
    const { one, print } = parseCase(line);
    const times = ours(one);
    return typeof times === 'string' || fingerprint(times) !== print;
  });
  t.same(wrong, []);
});

const recur = (rule: string): unknown =>
  (ICAL.parse(`BEGIN:VEVENT\r\nRRULE:${rule}\r\nEND:VEVENT`) as [string, unknown[][]])[1][0]?.[3];
const ruleOf = (rule: string): Rule | null => parseRule(recur(rule));

t.test('rules that are not expanded (CAL-12)', async (t) => {
  for (const rule of [
    'FREQ=DAILY;INTERVAL=1000000',
    'FREQ=DAILY;COUNT=0',
    'FREQ=DAILY;COUNT=99999999',
    'FREQ=DAILY;BYHOUR=24',
    'FREQ=DAILY;BYSECOND=60',
    'FREQ=YEARLY;BYYEARDAY=0',
    'FREQ=MONTHLY;BYMONTHDAY=32',
    'FREQ=YEARLY;BYMONTH=13',
    'FREQ=WEEKLY;BYDAY=2MO',
    'FREQ=YEARLY;BYDAY=54MO',
    'RSCALE=HEBREW;FREQ=YEARLY',
  ]) {
    const found = ((): Rule | null => {
      try {
        return ruleOf(rule);
      } catch {
        return null;
      }
    })();
    t.equal(found, null, rule);
  }
  t.equal(parseRule('FREQ=DAILY'), null, 'a text is no recur');
  t.match(ruleOf('FREQ=WEEKLY;WKST=SU;X-OWN=1'), { freq: 'WEEKLY', wkst: 'SU' }, 'parts of our own are let be');
});

const window = { fromMs: Date.UTC(2026, 10, 20), toMs: Date.UTC(2026, 10, 21), most: 1000, untilWall: () => 0 };
const start = Date.UTC(2000, 0, 1, 10);
const expanded = (rule: string): ReturnType<typeof expandRule> => {
  const parsed = ruleOf(rule);
  if (parsed === null) throw new Error(rule);
  return expandRule(parsed, start, window);
};

t.test('expansion ends, whatever the rule (CAL-13)', async (t) => {
  const list = (count: number): string => Array.from({ length: count }, (_unused, index) => index).join(',');
  const begun = process.cpuUsage();
  for (const rule of [
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31',
    'FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=10',
    'FREQ=MINUTELY;BYYEARDAY=366;BYMONTH=1',
    'FREQ=HOURLY;INTERVAL=24;BYHOUR=11',
    'FREQ=WEEKLY;BYDAY=MO;BYSETPOS=300',
  ])
    t.same(expanded(rule).walls, [], rule);
  for (const rule of [
    'FREQ=SECONDLY',
    'FREQ=SECONDLY;COUNT=1000000',
    `FREQ=YEARLY;BYHOUR=${list(24)};BYMINUTE=${list(60)};BYSECOND=${list(60)}`,
    `FREQ=DAILY;BYHOUR=${list(24)};BYMINUTE=${list(60)};BYSECOND=${list(60)};BYSETPOS=-1,1`,
    `FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=${list(24)};BYMINUTE=${list(60)};BYSECOND=${list(60)};BYSETPOS=-366`,
  ])
    t.ok(expanded(rule).walls.length <= window.most, rule.slice(0, 80));
  t.ok(expanded('FREQ=SECONDLY').cut, 'what is cut is said to be');
  const { user } = process.cpuUsage(begun);
  t.ok(user < 5_000_000, `all of them in ${Math.round(user / 1000)} ms of processor time`);
});

t.test('DTSTART is the first instance and counts', async (t) => {
  const rule = ruleOf('FREQ=WEEKLY;BYDAY=MO;COUNT=3');
  if (rule === null) return t.fail('the rule');
  const all = expandRule(rule, Date.UTC(2025, 0, 1, 9), { fromMs: 0, toMs: Date.UTC(2026, 0, 1), most: 10, untilWall: () => 0 });
  t.same(
    all.walls.map((wall) => new Date(wall).toISOString().slice(0, 10)),
    ['2025-01-01', '2025-01-06', '2025-01-13'],
  );
});
