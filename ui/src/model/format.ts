// Numbers, durations and times as the page shows them. A dash stands for "nothing measured".

import type { Measured } from '../wire';

export const NONE = '–';

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const fixed = [0, 1, 2].map(
  (digits) =>
    new Intl.NumberFormat('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits }),
);

const missing = (value: Measured | undefined): value is null | undefined =>
  value === null || value === undefined || !Number.isFinite(value);

/** Three significant digits or so, but never fewer than the whole part has. */
function short(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  const digits = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return (fixed[digits] as Intl.NumberFormat).format(value);
}

export const count = (value: Measured | undefined) => (missing(value) ? NONE : whole.format(value));
export const decimal = (value: Measured | undefined) => (missing(value) ? NONE : short(value));

/** Milliseconds without the unit, for columns and axes that name it. */
export const millis = decimal;

/** Milliseconds with the unit that fits. */
export function latency(value: Measured | undefined): string {
  if (missing(value)) return NONE;
  return Math.abs(value) < 10_000 ? `${short(value)} ms` : `${short(value / 1000)} s`;
}

/** A share of 0 to 1 in percent. What is not nothing is never shown as 0 %, what is not all never as 100 %. */
export function percent(share: Measured | undefined): string {
  if (missing(share)) return NONE;
  if (share > 0 && share < 0.001) return '<0.1 %';
  if (share > 0.999 && share < 1) return '>99.9 %';
  const digits = share === 0 || share === 1 ? 0 : 1;
  return `${(fixed[digits] as Intl.NumberFormat).format(share * 100)} %`;
}

export function bytes(value: Measured | undefined): string {
  if (missing(value)) return NONE;
  let size = value;
  for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
    if (Math.abs(size) < 1000 || unit === 'TB')
      return `${unit === 'B' ? whole.format(size) : short(size)} ${unit}`;
    size /= 1000;
  }
  return NONE;
}

const two = (value: number) => String(value).padStart(2, '0');

/** Seconds as `5s`, `2m 05s`, `1h 02m 03s`. */
export function span(seconds: Measured | undefined): string {
  if (missing(seconds)) return NONE;
  const all = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  if (h > 0) return `${h}h ${two(m)}m ${two(s)}s`;
  return m > 0 ? `${m}m ${two(s)}s` : `${s}s`;
}

/** The wall clock's time of day. */
export function clock(ms: Measured | undefined): string {
  if (missing(ms)) return NONE;
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function dateTime(ms: Measured | undefined): string {
  if (missing(ms)) return NONE;
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(ms)}`;
}

/** Text of unknown length for a place of known size; the whole of it is one click away. */
export function clip(text: string, length = 200): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

const UNITS: Record<string, number> = { h: 3600, m: 60, s: 1 };

/** The seconds in `90`, `20s`, `3m`, `1h30m`; `null` when it is none of these. */
export function parseSpan(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+h)?(\d+m)?(\d+s)?$/.test(trimmed) || trimmed === '') return null;
  let seconds = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+)([hms])/g))
    seconds += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return seconds;
}
