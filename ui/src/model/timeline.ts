// The measurements of one thing, second by second: columns of equal length that grow at the end and may be amended
// anywhere. Used for the run and for each request that is shown in a chart.

import type { Column, Measured } from '../wire';

export class Timeline {
  /** Milliseconds since 1970 of index 0. */
  readonly start: number;
  /** Seconds between two indices. */
  readonly step: number;
  readonly columns = new Map<string, Column>();
  length = 0;

  constructor(start: number, step: number) {
    this.start = start;
    this.step = step > 0 ? step : 1;
  }

  /** Takes every property of `wire` that is an array for a column whose first value is at index `from`. */
  load(wire: object, from = 0): this {
    for (const [name, values] of Object.entries(wire)) {
      if (!Array.isArray(values)) continue;
      this.grow(from + values.length);
      const column = this.column(name);
      for (let i = 0; i < values.length; i++) column[from + i] = values[i] as Measured;
    }
    return this;
  }

  /** Sets the values of one second. Seconds that were skipped are empty, columns that are not named stay as they are. */
  set(index: number, values: Readonly<Record<string, unknown>>): void {
    if (!Number.isInteger(index) || index < 0) return;
    this.grow(index + 1);
    for (const [name, value] of Object.entries(values)) {
      if (name === 'index' || name === 'id') continue;
      if (value === null || typeof value === 'number') this.column(name)[index] = value;
    }
  }

  /** The value of a column at an index; `null` where there is none. */
  at(name: string, index: number): Measured {
    return this.columns.get(name)?.[index] ?? null;
  }

  /** All values of one second. */
  values(index: number): Record<string, Measured> {
    return Object.fromEntries([...this.columns.keys()].map((name) => [name, this.at(name, index)]));
  }

  /** Seconds since 1970 of an index, and back: what charts have on their x axis. */
  seconds(index: number): number {
    return this.start / 1000 + index * this.step;
  }

  indexAt(seconds: number): number {
    return Math.round((seconds - this.start / 1000) / this.step);
  }

  private column(name: string): Column {
    let column = this.columns.get(name);
    if (!column) {
      column = new Array<Measured>(this.length).fill(null);
      this.columns.set(name, column);
    }
    return column;
  }

  private grow(length: number): void {
    if (length <= this.length) return;
    for (const column of this.columns.values()) {
      for (let i = column.length; i < length; i++) column.push(null);
    }
    this.length = length;
  }
}
