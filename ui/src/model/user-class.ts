// A user class's form without its looks: what it shows first, what is wrong with it, what it sends.

import type { ClassChange, UserClass } from '../wire';

/** What is typed, as it is typed. */
export interface ClassFields {
  host: string;
  weight: string;
  fixed_count: string;
  tasks: readonly string[];
}

export function initial(one: UserClass): ClassFields {
  return {
    host: one.host ?? '',
    weight: String(one.weight),
    fixed_count: one.fixed_count ? String(one.fixed_count) : '',
    tasks: [...new Set(one.tasks)],
  };
}

/** What is wrong with the fields, by field; empty when nothing is. */
export function problems(fields: ClassFields, one: UserClass): Record<string, string> {
  const found: Record<string, string> = {};
  if (!(fields.weight.trim() !== '' && Number(fields.weight) >= 0)) found.weight = 'a number from 0';
  if (!/^\d*$/.test(fields.fixed_count.trim())) found.fixed_count = 'a whole number, or nothing';
  if (one.all_tasks.length > 0 && fields.tasks.length === 0) found.tasks = 'choose at least one';
  return found;
}

/** What is sent; null where nothing was changed. */
export function change(fields: ClassFields, one: UserClass): ClassChange | null {
  const before = initial(one);
  const changed: ClassChange = { user_class_name: one.name };
  if (fields.host.trim() !== before.host) changed.host = fields.host.trim() || null;
  if (Number(fields.weight) !== one.weight) changed.weight = Number(fields.weight);
  if (Number(fields.fixed_count) !== one.fixed_count) changed.fixed_count = Number(fields.fixed_count);
  const chosen = one.all_tasks.filter((task) => fields.tasks.includes(task));
  if (chosen.join('\n') !== one.all_tasks.filter((task) => before.tasks.includes(task)).join('\n')) {
    changed.tasks = chosen;
  }
  return Object.keys(changed).length > 1 ? changed : null;
}
