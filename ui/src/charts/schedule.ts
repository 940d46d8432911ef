// Draws what has changed, in frames that stay short: once a frame's time is used up the rest waits for the next one.
// A hidden page gets no frames and so draws nothing.

export interface Drawable {
  draw(): void;
}

const FRAME_MS = 16;
const waiting = new Set<Drawable>();
let asked = false;

export function schedule(one: Drawable): void {
  waiting.add(one);
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

export function unschedule(one: Drawable): void {
  waiting.delete(one);
}

function frame(): void {
  asked = false;
  const started = performance.now();
  for (const one of waiting) {
    waiting.delete(one);
    one.draw();
    if (performance.now() - started > FRAME_MS) break;
  }
  if (waiting.size > 0) {
    asked = true;
    requestAnimationFrame(frame);
  }
}
