// The top of the page: what runs, how it goes, and what can be done about it.

import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import * as commands from '../model/commands';
import { clip, count, decimal, latency, percent, span } from '../model/format';
import { run } from '../model/here';
import { login, logOut } from '../model/session';
import { type Theme, theme } from '../model/settings';
import { link } from '../model/stream';
import type { State } from '../wire';

export const dialog = signal<'start' | 'edit' | null>(null);

const STATES: Record<State, string> = {
  ready: 'Ready',
  spawning: 'Spawning',
  running: 'Running',
  paused: 'Paused',
  stopping: 'Stopping',
  stopped: 'Stopped',
  missing: 'No workers',
};

export function Header() {
  const about = run.about.value;
  const status = run.status.value;
  const nothing = about?.history === 'only' && link.value !== 'past';
  return (
    <header class="top">
      <div class="bar">
        <span class="brand">
          <Logo />
          throng
        </span>
        <div class="subject">
          <strong title={clip(about?.file ?? '', 500)}>
            {nothing ? 'Past runs' : clip(about?.file ?? '', 120)}
          </strong>
          {status?.host && <span title={clip(status.host, 500)}>{clip(status.host, 120)}</span>}
        </div>
        {status && !nothing && (
          <span class={`state ${status.state}`} role="status">
            {about?.kind === 'k6' && status.state === 'stopped' ? 'Finished' : STATES[status.state]}
          </span>
        )}
        <Actions />
        {login.value && (
          <button type="button" onClick={() => void logOut()}>
            Log out
          </button>
        )}
        <ThemeButton />
      </div>
      {!nothing && <Figures />}
      {!nothing && <Progress />}
    </header>
  );
}

function Actions() {
  const status = run.status.value;
  const busy = useSignal(false);
  const error = useSignal<string | null>(null);
  if (!status || link.value === 'report' || link.value === 'past') return null;
  const can = (command: string) => (status.can as readonly string[]).includes(command);
  const does = (command: () => Promise<unknown>) => async () => {
    busy.value = true;
    error.value = null;
    try {
      await command();
    } catch (failed) {
      error.value = (failed as Error).message;
    } finally {
      busy.value = false;
    }
  };
  const off = busy.value || link.value !== 'live';
  return (
    <div class="actions">
      {error.value && (
        <span class="error" role="alert">
          {clip(error.value, 200)}
        </span>
      )}
      {can('start') && status.state !== 'ready' && (
        <button type="button" class="primary" disabled={off} onClick={() => (dialog.value = 'start')}>
          New run
        </button>
      )}
      {(can('edit') || can('scale')) && (
        <button type="button" disabled={off} onClick={() => (dialog.value = 'edit')}>
          {can('edit') ? 'Edit' : 'Scale'}
        </button>
      )}
      {status.state === 'paused' && can('pause') ? (
        <button type="button" disabled={off} onClick={does(commands.resume)}>
          Resume
        </button>
      ) : (
        can('pause') && (
          <button type="button" disabled={off} onClick={does(commands.pause)}>
            Pause
          </button>
        )
      )}
      {can('reset') && status.state !== 'ready' && (
        <button
          type="button"
          disabled={off}
          onClick={does(commands.reset)}
          title="Forget all statistics so far"
        >
          Reset
        </button>
      )}
      {can('stop') && (
        <button type="button" class="danger" disabled={off} onClick={does(commands.stop)}>
          Stop
        </button>
      )}
    </div>
  );
}

function Figure({ label, tone, children }: { label: string; tone?: string; children: ComponentChildren }) {
  return (
    <div class={`figure ${tone ?? ''}`}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Figures() {
  const status = run.status.value;
  const totals = run.totals.value;
  const { now, target, max } = run.users.value;
  const thresholds = run.thresholds.value;
  const workers = run.workers.value;
  if (!status || !totals) return null;
  const over = status.state === 'stopped';
  const failed = totals.count > 0 ? totals.fails / totals.count : null;
  const crossed = thresholds.filter((one) => one.ok === false).length;
  const peak = over ? Math.max(max ?? 0, highest(run.timeline.columns.get('users'))) : 0;
  const of = target !== now && !over ? target : null;
  const rate = over && status.elapsed > 0 ? totals.count / status.elapsed : totals.rps;
  return (
    <dl class="figures">
      <Figure label={run.about.value?.kind === 'k6' ? 'VUs' : 'Users'}>
        {count(peak || now)}
        {of !== null && <small> / {count(of)}</small>}
        {peak > 0 && <small> max</small>}
      </Figure>
      <Figure label="Requests">{count(totals.count)}</Figure>
      <Figure label={over ? 'RPS, mean' : 'RPS'}>{decimal(rate)}</Figure>
      <Figure label="Failures" tone={failed ? 'bad' : ''}>
        {percent(failed)}
      </Figure>
      <Figure label="p50">{latency(totals.median)}</Figure>
      <Figure label="p95">{latency(totals.p95)}</Figure>
      <Figure label="p99">{latency(totals.p99)}</Figure>
      {workers.length > 0 && (
        <Figure label="Workers" tone={workers.some((one) => one.state === 'missing') ? 'bad' : ''}>
          {count(workers.filter((one) => one.state !== 'missing').length)}
        </Figure>
      )}
      {thresholds.length > 0 && (
        <Figure label="Thresholds" tone={crossed ? 'bad' : 'good'}>
          {crossed ? `${crossed} of ${thresholds.length} failed` : over ? 'passed' : 'holding'}
        </Figure>
      )}
      <Figure label="Elapsed">
        {span(status.elapsed)}
        {status.planned !== null && <small> / {span(status.planned)}</small>}
      </Figure>
    </dl>
  );
}

const highest = (column: readonly (number | null)[] = []) =>
  column.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);

function Progress() {
  const status = run.status.value;
  if (!status?.planned || status.state === 'ready') return <div class="progress" />;
  const share = Math.min(1, status.elapsed / status.planned);
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label="Elapsed part of the planned time"
      aria-valuenow={Math.round(share * 100)}
    >
      <i style={{ width: `${share * 100}%` }} />
    </div>
  );
}

const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const SIGNS: Record<Theme, string> = { auto: '◐', light: '☀', dark: '☾' };

function ThemeButton() {
  const now = theme.value;
  return (
    <button
      type="button"
      class="icon"
      aria-label={`Colour scheme: ${now}`}
      title={`Colour scheme: ${now}`}
      onClick={() => {
        theme.value = NEXT[now];
      }}
    >
      {SIGNS[now]}
    </button>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 26 24" width="24" height="22" aria-hidden="true">
      <rect x="2" y="13" width="4" height="8" rx="2" />
      <rect x="8" y="7" width="4" height="14" rx="2" />
      <rect x="14" y="10" width="4" height="11" rx="2" />
      <rect x="20" y="3" width="4" height="18" rx="2" />
    </svg>
  );
}
