// The server's event stream, kept open for as long as the page is. What it says goes into the run's store; that the
// connection is lost is said, and what was there stays. On each connection the server sends a snapshot first, so that
// nothing has to be remembered across one.

import { signal } from '@preact/signals';
import type { ComparisonReport, LogLine, Snapshot, Tick } from '../wire';
import type { Run } from './run';
import * as session from './session';

export type Link =
  /** Nothing has been heard yet. */
  | 'connecting'
  | 'live'
  /** It was there, and is tried again. */
  | 'lost'
  /** A report: there is no server. */
  | 'report'
  /** A past run is looked at; the stream rests. */
  | 'past';

export const link = signal<Link>('connecting');

/** While a test runs the server says something every second; this much silence means the connection is dead. */
const SILENCE_MS = 15_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000];

export interface Stream {
  /** Listens no more, until it is woken: what is shown is something else. */
  rest(): void;
  wake(): void;
}

/** `changed` is called when past runs were added, marked or deleted. */
export function follow(run: Run, changed: () => void = () => {}, url = 'api/v1/events'): Stream {
  let source: EventSource | null = null;
  let attempts = 0;
  let heard = Date.now();
  let resting = false;

  const connect = () => {
    source?.close();
    if (resting) return;
    heard = Date.now();
    const opened = new EventSource(url);
    source = opened;
    opened.addEventListener('snapshot', (event) => {
      attempts = 0;
      heard = Date.now();
      run.snapshot(JSON.parse(event.data) as Snapshot);
      link.value = 'live';
    });
    opened.addEventListener('tick', (event) => {
      heard = Date.now();
      run.tick(JSON.parse(event.data) as Tick);
    });
    opened.addEventListener('log', (event) => {
      heard = Date.now();
      run.log(JSON.parse(event.data) as LogLine);
    });
    opened.addEventListener('history', changed);
    opened.addEventListener('error', () => {
      if (source !== opened) return;
      // The browser's own retry gives up on an answer such as 503; ours does not.
      opened.close();
      source = null;
      link.value = 'lost';
      void session.ask(run.status.peek() !== null);
      setTimeout(connect, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
    });
  };

  setInterval(() => {
    const state = run.status.peek()?.state;
    const busy = state === 'running' || state === 'spawning';
    if (!source || !busy || link.peek() !== 'live' || Date.now() - heard < SILENCE_MS) return;
    link.value = 'lost';
    connect();
  }, 2_000);

  connect();
  return {
    rest() {
      resting = true;
      source?.close();
      source = null;
    },
    wake() {
      if (!resting) return;
      resting = false;
      link.value = 'connecting';
      connect();
    },
  };
}

/** What a report has in it; `null` where the page was served by a running throng. */
export function embedded(document: Document): Snapshot | ComparisonReport | null {
  const text = document.getElementById('run')?.textContent?.trim();
  return text ? (JSON.parse(text) as Snapshot | ComparisonReport) : null;
}
