// What is watched beside the load, below its charts and on the same seconds: replicas, processors, databases; and how
// autoscalers followed the load.

import { Chart } from '../charts/chart';
import { COMPARED } from '../charts/colours';
import type { Line } from '../charts/plot';
import { bytes, clip, clock, decimal, latency, NONE } from '../model/format';
import { run } from '../model/here';
import { watchedColumn } from '../model/run';
import type { Scaling as Story, WatchedSeries } from '../wire';

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const FORMATS = { time: latency, data: bytes, default: decimal };

/** The series by chart, in the order in which they came. */
function charts(series: readonly WatchedSeries[]): [string, WatchedSeries[]][] {
  const found = new Map<string, WatchedSeries[]>();
  for (const one of series) {
    const known = found.get(one.chart);
    if (known) known.push(one);
    else found.set(one.chart, [one]);
  }
  // What scales first, then what it is scaled by.
  const first = (name: string) => (name === 'Replicas' ? 0 : /autoscaler|pods/i.test(name) ? 1 : 2);
  return [...found].sort(([a], [b]) => first(a) - first(b));
}

const colourOf = (index: number) => COMPARED[index % COMPARED.length] ?? '--mean';

export function Watched() {
  return (
    <>
      {charts(run.watched.value).map(([title, series]) => {
        const contains = series[0]?.contains ?? 'default';
        const lines = series.map(
          (one, index): Line => ({
            label: one.label,
            colour: colourOf(index),
            column: () => run.timeline.columns.get(watchedColumn(one.id)),
            bridged: true,
            dashed: index >= COMPARED.length || /limit|target|wanted/.test(one.label),
          }),
        );
        return (
          <Chart
            key={title}
            title={title}
            lines={lines}
            format={FORMATS[contains]}
            axis={contains === 'data' ? (value) => bytes(value) : (value) => compact.format(value)}
            height={140}
          />
        );
      })}
    </>
  );
}

export function Scaling() {
  const stories = run.scaling.value;
  if (stories.length === 0) return null;
  return (
    <section class="scaling" aria-label="Scaling">
      <h3>Scaling</h3>
      {stories.map((story) => (
        <Told key={story.title} story={story} />
      ))}
    </section>
  );
}

function Told({ story }: { story: Story }) {
  return (
    <article>
      <h4>{clip(story.title, 200)}</h4>
      {story.steps.length > 0 && (
        <ol>
          {story.steps.map((step) => (
            <li key={step.what} class={step.at === null ? 'unseen-step' : ''}>
              <b>{step.what}</b>
              <time>{step.at === null ? 'not seen' : clock(step.at)}</time>
              <span class="took">{step.took === null ? NONE : `+${Math.round(step.took)} s`}</span>
              <span>{clip(step.detail, 300)}</span>
            </li>
          ))}
        </ol>
      )}
      {story.slow && <p class="muted">{clip(story.slow, 500)}</p>}
    </article>
  );
}
