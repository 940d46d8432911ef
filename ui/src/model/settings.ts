// What a reader likes, kept in their browser: colour scheme, columns, percentiles.

import { effect, type Signal, signal } from '@preact/signals';

/** A signal that survives a reload. A value that `valid` refuses is forgotten. */
export function setting<T>(name: string, initial: T, valid: (value: unknown) => value is T): Signal<T> {
  const key = `throng.${name}`;
  let stored: unknown;
  try {
    stored = JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    // No storage, or not ours: the page works without.
  }
  const kept = signal<T>(valid(stored) ? stored : initial);
  effect(() => {
    const text = JSON.stringify(kept.value);
    try {
      localStorage.setItem(key, text);
    } catch {
      // As above.
    }
  });
  return kept;
}

export const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

export type Theme = 'auto' | 'light' | 'dark';
const isTheme = (value: unknown): value is Theme => value === 'auto' || value === 'light' || value === 'dark';

export const theme = setting<Theme>('theme', 'auto', isTheme);
