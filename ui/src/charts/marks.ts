// Events of the run as vertical lines in every chart.

import type uPlot from 'uplot';
import type { Mark } from '../wire';
import { colour } from './colours';

const COLOURS: Record<string, string> = {
  abort: '--bad',
  threshold: '--bad',
  worker: '--warn',
  scale: '--accent',
  stage: '--accent',
  spawned: '--good',
  replicas: '--users',
  trouble: '--bad',
  watch: '--warn',
};

export const markColour = (kind: string) => COLOURS[kind] ?? '--muted';

/** Within this many pixels of a line the pointer means it. */
const NEAR = 6;

export function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const { min, max } = plot.scales.x ?? {};
  ctx.save();
  ctx.lineWidth = ratio;
  ctx.setLineDash([4 * ratio, 3 * ratio]);
  for (const mark of marks) {
    const at = mark.at / 1000;
    if (min == null || max == null || at < min || at > max) continue;
    const x = Math.round(plot.valToPos(at, 'x', true)) + 0.5;
    ctx.strokeStyle = colour(markColour(mark.kind), 0.75);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillStyle = colour(markColour(mark.kind));
    ctx.beginPath();
    ctx.moveTo(x - 4 * ratio, bbox.top);
    ctx.lineTo(x + 4 * ratio, bbox.top);
    ctx.lineTo(x, bbox.top + 6 * ratio);
    ctx.fill();
  }
  ctx.restore();
}

/** The marks at the pointer. */
export function marksAt(plot: uPlot, marks: readonly Mark[], left: number): Mark[] {
  if (left < 0) return [];
  return marks.filter((mark) => Math.abs(plot.valToPos(mark.at / 1000, 'x') - left) <= NEAR);
}
