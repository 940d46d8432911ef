// The start form without its looks: what it shows first, what is wrong with it, what it sends.

import type { Form, StartRequest, Value } from '../wire';
import { parseSpan } from './format';

/** What is typed, as it is typed. */
export interface Fields {
  users: string;
  spawn_rate: string;
  host: string;
  run_time: string;
  classes: readonly string[];
  shape: string;
  arguments: Record<string, Value>;
}

/** What the form shows first: what was started `before`, or what the script and the command line say. */
export function initial(form: Form, before: StartRequest | null): Fields {
  return {
    users: String(before?.users ?? form.users ?? 1),
    spawn_rate: String(before?.spawn_rate ?? form.spawn_rate ?? 1),
    host: before?.host ?? form.host ?? '',
    run_time: before?.run_time ?? form.run_time ?? '',
    classes: before?.classes ?? (form.classes ?? []).map((one) => one.name),
    shape: before?.shape ?? form.shapes?.[0] ?? '',
    arguments: Object.fromEntries(
      (form.arguments ?? []).map((one) => [one.name, before?.arguments?.[one.name] ?? one.default]),
    ),
  };
}

/** What is wrong with the fields, by field; empty when nothing is. */
export function problems(fields: Fields, form: Form): Record<string, string> {
  const found: Record<string, string> = {};
  if (!/^\d+$/.test(fields.users.trim()) || Number(fields.users) < 1) found.users = 'a whole number from 1';
  if (!(Number(fields.spawn_rate) > 0)) found.spawn_rate = 'a number above 0';
  if (fields.run_time.trim() && parseSpan(fields.run_time) === null) {
    found.run_time = 'such as 90, 20s, 3m or 1h30m';
  }
  if (form.class_picker && fields.classes.length === 0) found.classes = 'choose at least one';
  for (const { name, type, required } of form.arguments ?? []) {
    const value = fields.arguments[name] ?? null;
    // A secret's default stays with the server.
    if (required && type !== 'secret' && (value === null || value === '')) found[name] = 'must be given';
    if (type === 'number' && value !== null && !Number.isFinite(Number(value))) found[name] = 'a number';
  }
  return found;
}

/**
 * What is sent; only for fields without problems. Arguments without a value are left out: they keep the one they have,
 * which the page is not told of secrets.
 */
export function request(fields: Fields, form: Form): StartRequest {
  const all = (form.classes ?? []).map((one) => one.name);
  const values: Record<string, Value> = {};
  for (const { name, type } of form.arguments ?? []) {
    const value = fields.arguments[name] ?? null;
    if (value === null) continue;
    values[name] = type === 'number' && typeof value === 'string' && value !== '' ? Number(value) : value;
  }
  return {
    users: Number(fields.users),
    spawn_rate: Number(fields.spawn_rate),
    host: fields.host.trim() || null,
    run_time: fields.run_time.trim() || null,
    classes: form.class_picker && fields.classes.length < all.length ? [...fields.classes] : null,
    ...(form.shapes?.length ? { shape: fields.shape } : {}),
    arguments: values,
  };
}
