// What the script itself raised, with tracebacks.

import { clip, count } from '../model/format';
import { run } from '../model/here';

/** A traceback is opened one at a time; more than so many exceptions nobody reads. */
const SHOWN = 200;

export function Exceptions() {
  const all = [...run.exceptions.value].sort((a, b) => b.count - a.count);
  if (all.length === 0) return <p class="nothing">The script has raised no exceptions.</p>;
  return (
    <section class="list">
      {all.slice(0, SHOWN).map((one, index) => (
        <details key={`${one.message}\0${one.traceback}`} class="card" open={index === 0}>
          <summary>
            <b class="bad number">{count(one.count)}×</b>
            <span>{clip(one.message, 400)}</span>
            <small class="muted">{clip(one.nodes.join(', '), 120)}</small>
          </summary>
          <pre>{clip(one.traceback || one.message, 20_000)}</pre>
        </details>
      ))}
      {all.length > SHOWN && <p class="muted">{count(all.length - SHOWN)} more are in the download.</p>}
    </section>
  );
}
