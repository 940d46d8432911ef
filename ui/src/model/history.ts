// Past runs: their list, the one that is looked at in place of the live run, and two of them side by side.

import { effect, signal } from '@preact/signals';
import type { Comparison, ComparisonReport, PastRun, Snapshot } from '../wire';
import { align, type Pair } from './align';
import { compareRuns, pastRuns, pastSnapshot } from './commands';
import { run } from './here';
import { place } from './place';
import { setting } from './settings';
import { link, type Stream } from './stream';

/** The list; `null` until it was asked for. */
export const runs = signal<readonly PastRun[] | null>(null);
/** Why the list, or what is opened of it, is not there. */
export const trouble = signal<string | null>(null);

/** Two runs side by side. */
export interface Compared {
  comparison: Comparison;
  pair: Pair;
}
export const compared = signal<Compared | null>(null);

const isText = (value: unknown): value is string => typeof value === 'string';
/** How much worse a run may be, as the server reads it. */
export const tolerance = setting('compare.tolerance', 'p95=10%,failures=1', isText);

/** Asks for the list again, if it was asked for before. */
export function refresh(): void {
  if (runs.peek() !== null) load();
}

export function load(): void {
  pastRuns().then(
    (answer) => {
      runs.value = answer.runs;
      trouble.value = null;
    },
    (error: Error) => {
      trouble.value = error.message;
    },
  );
}

/** Shows the run that the URL names, past or live, from now on. */
export function watchPlace(stream: Stream): void {
  let shown: number | null = null;
  effect(() => {
    const { past } = place.value;
    // The first snapshot says what else there is.
    if (run.about.value === null || past === shown) return;
    shown = past;
    trouble.value = null;
    if (past === null) {
      stream.wake();
      return;
    }
    stream.rest();
    pastSnapshot(past).then(
      (snapshot) => {
        if (shown !== past) return;
        show(snapshot);
      },
      (error: Error) => {
        if (shown === past) trouble.value = error.message;
      },
    );
  });
}

/** A past run takes no commands. */
function show(snapshot: Snapshot): void {
  link.value = 'past';
  run.snapshot({ ...snapshot, can: [], history: run.about.peek()?.history ?? 'none' });
}

const snapshots = new Map<number, Snapshot>();

async function snapshotOf(id: number): Promise<Snapshot> {
  const known = snapshots.get(id) ?? (await pastSnapshot(id));
  // Two are looked at; a few more, as one changes one of them.
  if (snapshots.size > 4) snapshots.clear();
  snapshots.set(id, known);
  return known;
}

/** Puts two runs side by side. */
export async function compare(base: number, other: number, rule: string): Promise<void> {
  try {
    const [comparison, before, after] = await Promise.all([
      compareRuns(base, other, rule),
      snapshotOf(base),
      snapshotOf(other),
    ]);
    compared.value = { comparison, pair: align(before, after) };
    trouble.value = null;
  } catch (error) {
    trouble.value = (error as Error).message;
  }
}

/** A report of two runs: it begins with what is said of them. */
export function openReport({ comparison, base, run: after }: ComparisonReport): void {
  if (place.peek().tab === '') place.value = { past: null, tab: 'compare', requests: [] };
  run.snapshot({ ...after, can: [] });
  compared.value = { comparison, pair: align(base, after) };
}
