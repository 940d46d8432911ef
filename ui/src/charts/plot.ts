// One uPlot drawing on a host element. It draws when it can be seen, at the host's width, decimated to that many
// pixels, and again when data, view, size or colours changed.

import { effect } from '@preact/signals';
import uPlot from 'uplot';
import { decimate } from '../model/decimate';
import { clock, dateTime, span } from '../model/format';
import type { Run } from '../model/run';
import type { Column, Mark } from '../wire';
import { colour, dark } from './colours';
import { drawMarks, marksAt } from './marks';
import { type Drawable, schedule, unschedule } from './schedule';
import { extent, pointed, view, zoom } from './view';

export interface Line {
  label: string;
  /** Name of a custom property. */
  colour: string;
  column: () => Column | undefined;
  filled?: boolean;
  dashed?: boolean;
  /** Whether a second without a value is a reading that came late, and no gap. */
  bridged?: boolean;
}

export interface PlotOptions {
  run: Run;
  lines: readonly Line[];
  /** Writes a value of the y axis. */
  axis: (value: number) => string;
  height: number;
  /** Whether times are since the start instead of the clock's. */
  relative: boolean;
  onMarks: (marks: Mark[], left: number) => void;
}

/** Pixels to the left of a plot: the same in all charts, so that their times stand below each other. */
export const AXIS = 56;
/** All charts' pointers move together. */
const SYNC = uPlot.sync('throng');
/** Points drawn per pixel of width: a smallest and a largest value for every four pixels. */
const POINTS = 1 / 2;
/**
 * One pixel: Chromium without a GPU draws such lines as hairlines, eight times as fast as wider ones (8 charts of 6 lines:
 * about 90 against 715 ms a tick on a busy machine).
 */
const LINE_WIDTH = 1;
const NOTHING: Column = [];
/** Seconds between two labels of the x axis; uPlot's own begin with milliseconds. */
const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];
const INCREMENTS = [...SPANS, 2 * 86_400, 5 * 86_400, 10 * 86_400, 30 * 86_400];

export class Plot implements Drawable {
  private readonly host: HTMLElement;
  private readonly options: PlotOptions;
  private plot: uPlot | null = null;
  private width = 0;
  private seen = false;
  private drawnDark = false;
  private readonly closers: (() => void)[] = [];

  constructor(host: HTMLElement, options: PlotOptions) {
    this.host = host;
    this.options = options;
    const size = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width === this.width) return;
      this.width = width;
      schedule(this);
    });
    size.observe(host);
    const sight = new IntersectionObserver(
      ([entry]) => {
        this.seen = entry?.isIntersecting ?? false;
        if (this.seen) schedule(this);
      },
      // A little early, so that scrolling shows no empty boxes.
      { rootMargin: '120px' },
    );
    sight.observe(host);
    const { run } = options;
    const changes = effect(() => {
      // Read to be told when they change.
      void [run.drawn.value, run.marks.value, view.value, dark.value];
      schedule(this);
    });
    this.closers.push(
      changes,
      () => size.disconnect(),
      () => sight.disconnect(),
    );
  }

  close(): void {
    unschedule(this);
    for (const close of this.closers) close();
    this.plot?.destroy();
    this.plot = null;
  }

  draw(): void {
    if (!this.seen || this.width < 40) return;
    if (this.plot && this.drawnDark !== dark.peek()) {
      this.plot.destroy();
      this.plot = null;
    }
    const data = this.data();
    if (!this.plot) {
      this.drawnDark = dark.peek();
      this.plot = new uPlot(this.settings(), data, this.host);
      return;
    }
    this.plot.batch((plot: uPlot) => {
      if (plot.width !== this.width) plot.setSize({ width: this.width, height: this.options.height });
      plot.setData(data);
    });
  }

  private data(): uPlot.AlignedData {
    const { run, lines } = this.options;
    const { from, to } = extent(run.timeline, view.peek());
    const columns = lines.map((line) => line.column() ?? NOTHING);
    const { xs, ys } = decimate(columns, from, to, this.width * POINTS);
    for (let i = 0; i < xs.length; i++) xs[i] = run.timeline.seconds(xs[i] as number);
    // A line that has nothing yet still needs as many values as there are seconds.
    return [xs, ...ys.map((column) => (column.length === xs.length ? column : padded(column, xs.length)))];
  }

  private settings(): uPlot.Options {
    const { run, lines, axis, height, relative, onMarks } = this.options;
    const text = colour('--muted');
    const grid = { stroke: colour('--grid'), width: 1 };
    const ticks = { show: false };
    const font = '11px system-ui, sans-serif';
    return {
      width: this.width,
      height,
      legend: { show: false },
      padding: [8, 8, 0, 0],
      scales: {
        x: {
          time: !relative,
          range: () => {
            const { left, right } = extent(run.timeline, view.peek());
            return [left, right];
          },
        },
        y: { range: (_, __, max) => [0, max > 0 ? uPlot.rangeNum(0, max, 0.12, true)[1] : 1] },
      },
      axes: [
        {
          stroke: text,
          font,
          grid,
          ticks,
          space: 80,
          size: 28,
          gap: 6,
          // Labels are whole seconds: there must not be two of one.
          incrs: relative ? SPANS : INCREMENTS,
          values: relative ? spans : times,
        },
        {
          stroke: text,
          font,
          grid,
          ticks,
          size: AXIS,
          gap: 6,
          space: 34,
          values: (_, splits) => splits.map(axis),
        },
      ],
      series: [
        {},
        ...lines.map(
          (line): uPlot.Series => ({
            label: line.label,
            stroke: colour(line.colour),
            width: LINE_WIDTH,
            ...(line.filled ? { fill: colour(line.colour, 0.12) } : {}),
            ...(line.dashed ? { dash: [5, 4] } : {}),
            ...(line.bridged ? { spanGaps: true } : {}),
            points: { show: false, filter: lonely, size: 4, fill: colour(line.colour) },
          }),
        ),
      ],
      cursor: {
        sync: { key: SYNC.key, setSeries: false, scales: ['x', null] },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: {
          dblclick: () => () => {
            view.value = { show: 'all' };
            return null;
          },
        },
      },
      hooks: {
        draw: [(plot) => drawMarks(plot, run.marks.peek())],
        setCursor: [
          (plot) => {
            const left = plot.cursor.left ?? -1;
            pointed.value = left < 0 ? null : run.timeline.indexAt(plot.posToVal(left, 'x'));
            onMarks(marksAt(plot, run.marks.peek(), left), left);
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width > 4) zoom(run.timeline, plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }
}

const padded = (column: Column, length: number): Column => [
  ...column,
  ...new Array<null>(length - column.length).fill(null),
];

/** Values with nothing on either side, which a line alone would not show. */
function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

/** Seconds since the start. */
const spans = (_: uPlot, splits: number[]): string[] => splits.map(span);

/** Times of day; with the day where the axis spans several. */
function times(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((second) => {
    const ms = second * 1000;
    if (step >= 86_400) return dateTime(ms).slice(5, 10);
    return step >= 60 ? clock(ms).slice(0, 5) : clock(ms);
  });
}
