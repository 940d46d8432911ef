// The newest log lines of the run and its workers.

import { effect, signal, useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { clip, clock } from '../model/format';
import { run } from '../model/here';
import { matching } from '../model/rows';
import { Filter } from '../parts/filter';
import type { LogLine } from '../wire';

const LEVELS: readonly LogLine['level'][] = ['debug', 'info', 'warning', 'error'];
const least = signal<LogLine['level']>('debug');
const query = signal('');

export function Logs() {
  const box = useRef<HTMLOListElement>(null);
  const lines = useComputed(() => {
    const from = LEVELS.indexOf(least.value);
    const loud = run.logs.value.filter((line) => LEVELS.indexOf(line.level) >= from);
    return matching(loud, (line) => `${line.worker ?? ''} ${line.text}`, query.value);
  });
  // Follows new lines as long as the reader is at the end.
  useEffect(() => {
    let atEnd = true;
    const element = box.current;
    const look = () => {
      if (element) atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    };
    element?.addEventListener('scroll', look, { passive: true });
    const stop = effect(() => {
      void lines.value;
      requestAnimationFrame(() => {
        if (element && atEnd) element.scrollTop = element.scrollHeight;
      });
    });
    return () => {
      stop();
      element?.removeEventListener('scroll', look);
    };
  }, [lines]);
  return (
    <section class="fill">
      <div class="tools">
        <Filter query={query} label="Filter log" shown={lines.value.length} total={run.logs.value.length} />
        <label class="inline">
          From
          <select
            value={least.value}
            onChange={(event) => {
              least.value = event.currentTarget.value as LogLine['level'];
            }}
          >
            {LEVELS.map((level) => (
              <option key={level}>{level}</option>
            ))}
          </select>
        </label>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <ol class="log" ref={box} tabIndex={0} aria-label="Log">
        {lines.value.map((line, index) => (
          <li key={`${line.at}-${index}`} class={line.level}>
            <time>{clock(line.at)}</time>
            <span class="level">{line.level}</span>
            {line.worker && <span class="worker">{clip(line.worker, 40)}</span>}
            <span class="text">{clip(line.text, 4000)}</span>
          </li>
        ))}
      </ol>
      {lines.value.length === 0 && <p class="nothing">No log lines.</p>}
    </section>
  );
}
