// Which tabs there are for this run, and the bar that switches between them.

import { computed } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { clip, count } from '../model/format';
import { run } from '../model/here';
import { compared } from '../model/history';
import { go, place } from '../model/place';
import { link } from '../model/stream';
import { Charts } from './charts';
import { Checks } from './checks';
import { Compare } from './compare';
import { Downloads } from './downloads';
import { Exceptions } from './exceptions';
import { ExtendedTable } from './extended';
import { Failures } from './failures';
import { History } from './history';
import { Logs } from './logs';
import { Metrics } from './metrics';
import { Scenarios } from './scenarios';
import { StartForm } from './start-form';
import { Statistics } from './statistics';
import { Tasks } from './tasks';
import { Thresholds } from './thresholds';
import { Workers } from './workers';

interface Tab {
  key: string;
  label: string;
  view: FunctionComponent;
  /** Whether it makes sense for this run. */
  when: () => boolean;
  /** A number beside the label, and how serious it is. */
  badge?: () => [number, 'bad' | 'plain'] | null;
}

/** Whether there is a run to show, live or past. */
const hasRun = () => run.about.value?.history !== 'only' || link.value === 'past';
/** Whether this is the live run of a server. */
const isLive = () => link.value !== 'report' && link.value !== 'past';
const k6 = () => run.about.value?.kind === 'k6';
const some = (amount: number, tone: 'bad' | 'plain' = 'plain'): [number, 'bad' | 'plain'] | null =>
  amount > 0 ? [amount, tone] : null;

const TABS: readonly Tab[] = [
  {
    key: 'start',
    label: 'Start',
    view: StartPanel,
    // A k6 script that starts by itself has nothing to choose.
    when: () =>
      run.status.value?.state === 'ready' && isLive() && (!k6() || run.status.value.can.includes('start')),
  },
  { key: 'statistics', label: 'Statistics', view: Statistics, when: () => true },
  { key: 'charts', label: 'Charts', view: Charts, when: () => true },
  {
    key: 'failures',
    label: 'Failures',
    view: Failures,
    when: () => true,
    badge: () => some(run.failures.value.length, 'bad'),
  },
  {
    key: 'exceptions',
    label: 'Exceptions',
    view: Exceptions,
    when: () => !k6() || run.exceptions.value.length > 0,
    badge: () => some(run.exceptions.value.length, 'bad'),
  },
  {
    key: 'checks',
    label: 'Checks',
    view: Checks,
    when: () => k6() || run.checks.value.length > 0,
    badge: () => some(run.checks.value.filter((one) => one.fails > 0).length, 'bad'),
  },
  {
    key: 'thresholds',
    label: 'Thresholds',
    view: Thresholds,
    when: () => run.thresholds.value.length > 0,
    badge: () => some(run.thresholds.value.filter((one) => one.ok === false).length, 'bad'),
  },
  {
    key: 'scenarios',
    label: 'Scenarios',
    view: () => <Scenarios />,
    when: () => run.scenarios.value.length > 0,
  },
  {
    key: 'metrics',
    label: 'Metrics',
    view: Metrics,
    when: () => k6() || run.metrics.value.length > 0,
  },
  {
    key: 'workers',
    label: 'Workers',
    view: Workers,
    when: () => run.workers.value.length > 0,
    badge: () => some(run.workers.value.filter((one) => one.state === 'missing').length, 'bad'),
  },
  {
    key: 'logs',
    label: 'Logs',
    view: Logs,
    when: () => true,
    badge: () => some(run.logs.value.filter((one) => one.level === 'error').length, 'bad'),
  },
  { key: 'tasks', label: 'Task ratio', view: Tasks, when: () => run.task_ratio.value !== null },
  {
    key: 'download',
    label: 'Download',
    view: Downloads,
    when: () => link.value !== 'report' && run.status.value?.state !== 'ready',
  },
  {
    key: 'history',
    label: 'History',
    view: History,
    when: () => link.value !== 'report' && (run.about.value?.history ?? 'none') !== 'none',
  },
  {
    key: 'compare',
    label: 'Compare',
    view: Compare,
    // Of two runs that were chosen in the history, or that a report has in it.
    when: () =>
      link.value === 'report'
        ? compared.value !== null
        : (run.about.value?.history ?? 'none') !== 'none' && place.value.tab === 'compare',
  },
];

/** Tabs that a locustfile adds; their data is had from the running test alone. */
const added = computed<readonly Tab[]>(() =>
  (run.about.value?.extended?.tabs ?? []).map((tab, index) => ({
    key: `own${index}`,
    label: clip(String(tab.title ?? tab.key), 40),
    view: () => <ExtendedTable name={tab.key} title={String(tab.title ?? tab.key)} />,
    when: isLive,
  })),
);
const all = computed(() => [...TABS, ...added.value]);

function StartPanel() {
  return (
    <div class="panel">
      <h2>Start a test</h2>
      <StartForm />
    </div>
  );
}

const OF_PAST_RUNS = ['history', 'compare'];

// Computed as keys, so that the bar is drawn again only when tabs come or go.
const present = computed(() =>
  all.value
    .filter((tab) => tab.when() && (hasRun() || OF_PAST_RUNS.includes(tab.key)))
    .map((tab) => tab.key)
    .join(),
);

/** The tab that is open: the URL's, or the first where the URL names none that is there. */
export const current = computed(() => {
  const keys = present.value.split(',');
  return keys.includes(place.value.tab) ? place.value.tab : (keys[0] ?? 'statistics');
});

export function TabBar() {
  const bar = useRef<HTMLDivElement>(null);
  const keys = present.value.split(',');
  const open = current.value;
  // On a narrow screen the bar is wider than the page: the tab that is open must not be out of sight.
  useLayoutEffect(() => {
    const tab = bar.current?.querySelector(`#tab-${open}`)?.getBoundingClientRect();
    const sight = bar.current?.getBoundingClientRect();
    if (bar.current && tab && sight)
      bar.current.scrollLeft += tab.left + tab.width / 2 - (sight.left + sight.width / 2);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = keys.indexOf(open);
    const to = {
      ArrowRight: (at + 1) % keys.length,
      ArrowLeft: (at + keys.length - 1) % keys.length,
      Home: 0,
      End: keys.length - 1,
    }[event.key];
    const key = to === undefined ? undefined : keys[to];
    if (key === undefined) return;
    event.preventDefault();
    go({ tab: key });
    bar.current?.querySelector<HTMLElement>(`#tab-${key}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" ref={bar} onKeyDown={onKeyDown}>
      {all.value
        .filter((tab) => keys.includes(tab.key))
        .map((tab) => (
          <button
            key={tab.key}
            id={`tab-${tab.key}`}
            type="button"
            role="tab"
            aria-selected={tab.key === open}
            aria-controls="view"
            tabIndex={tab.key === open ? 0 : -1}
            onClick={() => go({ tab: tab.key })}
          >
            {tab.label}
            <Badge tab={tab} />
          </button>
        ))}
    </div>
  );
}

function Badge({ tab }: { tab: Tab }) {
  const badge = tab.badge?.();
  return badge ? <span class={`badge ${badge[1]}`}>{badge[0] > 999 ? '999+' : count(badge[0])}</span> : null;
}

export function CurrentView() {
  const key = current.value;
  const View = all.value.find((tab) => tab.key === key)?.view ?? Statistics;
  return (
    <main>
      <div id="view" role="tabpanel" aria-labelledby={`tab-${key}`}>
        <View key={key} />
      </div>
    </main>
  );
}
