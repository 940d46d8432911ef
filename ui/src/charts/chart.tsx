// A chart with its title and a legend that is also the readout: it shows the values under the pointer, or the newest.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { clip, clock } from '../model/format';
import { run as live } from '../model/here';
import type { Run } from '../model/run';
import type { Mark } from '../wire';
import { AXIS, type Line, Plot } from './plot';
import { pointed } from './view';

export interface ChartProps {
  title: string;
  lines: readonly Line[];
  /** Writes a value, with its unit. */
  format: (value: number | null | undefined) => string;
  axis: (value: number) => string;
  /** Labels of lines that are not shown. */
  hidden?: readonly string[];
  onToggle?: (label: string) => void;
  height?: number;
  /** Whose time axis it has; the page's run if none is given. */
  run?: Run;
  /** Whether times are since the start instead of the clock's. */
  relative?: boolean;
}

export function Chart({
  title,
  lines,
  format,
  axis,
  hidden = [],
  onToggle,
  height = 180,
  run = live,
  relative = false,
}: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const marks = useSignal(NO_MARKS);
  const shown = lines.filter((line) => !hidden.includes(line.label));
  // The plot is made anew when it has other lines.
  const identity = JSON.stringify(shown.map((line) => [line.label, line.colour]));

  useEffect(() => {
    if (!host.current) return;
    const plot = new Plot(host.current, {
      run,
      lines: shown,
      axis,
      height,
      relative,
      onMarks: (found, left) => {
        if (found.length === 0) marks.value = NO_MARKS;
        else marks.value = { marks: found, left, flipped: left > (host.current?.clientWidth ?? 0) / 2 };
      },
    });
    return () => plot.close();
  }, [identity, height, run, run.epoch.value]);

  const tip = marks.value;
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <Legend run={run} lines={lines} hidden={hidden} format={format} onToggle={onToggle} />
      </figcaption>
      {/* Its height is reserved, so that the page does not jump while charts are drawn one after the other. */}
      <div
        class="plot"
        ref={host}
        role="img"
        aria-label={`${title}, over time`}
        style={{ height: `${height}px` }}
      >
        {tip.marks.length > 0 && (
          <div class={tip.flipped ? 'mark-tip flipped' : 'mark-tip'} style={{ left: `${tip.left + AXIS}px` }}>
            {tip.marks.slice(0, 6).map((mark) => (
              <div key={`${mark.at}${mark.text}`}>
                <time>{clock(mark.at)}</time> {clip(mark.text, 120)}
              </div>
            ))}
          </div>
        )}
      </div>
    </figure>
  );
}

const NO_MARKS: { marks: Mark[]; left: number; flipped: boolean } = { marks: [], left: 0, flipped: false };

function Legend({
  run,
  lines,
  hidden,
  format,
  onToggle,
}: {
  run: Run;
  lines: readonly Line[];
  hidden: readonly string[];
  format: ChartProps['format'];
  onToggle: ChartProps['onToggle'] | undefined;
}) {
  // Read to be drawn again when they change.
  void run.drawn.value;
  const index = pointed.value ?? run.timeline.length - 1;
  return (
    <ul class="legend">
      {lines.map((line) => {
        const off = hidden.includes(line.label);
        const content = (
          <>
            <i style={{ background: `var(${line.colour})` }} />
            <span>{clip(line.label, 60)}</span>
            <b>{off ? '' : format(line.column()?.[index])}</b>
          </>
        );
        return (
          <li key={line.label}>
            {onToggle ? (
              <button type="button" aria-pressed={!off} onClick={() => onToggle(line.label)}>
                {content}
              </button>
            ) : (
              content
            )}
          </li>
        );
      })}
    </ul>
  );
}
