// k6's scenarios and how far each has come; before the start, what is planned.

import { clip, count, percent } from '../model/format';
import { run } from '../model/here';
import type { Scenario } from '../wire';

const STATES: Record<Scenario['state'], string> = {
  waiting: 'waiting',
  running: 'running',
  finished: '✓ finished',
  interrupted: '✗ interrupted',
};

export function Scenarios({ rows = run.scenarios.value }: { rows?: readonly Scenario[] }) {
  if (rows.length === 0) return <p class="nothing">The test has no scenarios.</p>;
  return (
    <section class="list">
      {rows.map((one) => (
        <article key={one.name} class="card scenario">
          <header>
            <h3>{clip(one.name, 120)}</h3>
            <code>{clip(one.executor, 60)}</code>
            <span
              class={`verdict ${one.state === 'finished' ? 'good' : one.state === 'interrupted' ? 'bad' : ''}`}
            >
              {STATES[one.state] ?? clip(String(one.state), 40)}
            </span>
          </header>
          <div
            class="meter"
            role="progressbar"
            aria-label={`Progress of ${clip(one.name, 120)}`}
            aria-valuenow={Math.round((one.progress ?? 0) * 100)}
          >
            <i style={{ width: `${Math.max(0, Math.min(1, one.progress ?? 0)) * 100}%` }} />
          </div>
          <footer>
            <span>{clip(one.text, 300)}</span>
            <span class="number">
              {count(one.vus)} / {count(one.max_vus)} VUs · {count(one.iterations)} iterations
              {one.progress !== null && ` · ${percent(one.progress)}`}
            </span>
          </footer>
        </article>
      ))}
    </section>
  );
}
