// How often each user class and task runs, as shares: within its class, and of everything.

import { clip, percent } from '../model/format';
import { run } from '../model/here';
import { Share } from '../parts/share';
import type { TaskTree } from '../wire';

export function Tasks() {
  const ratio = run.task_ratio.value;
  if (!ratio) return <p class="nothing">The shares of tasks are not known yet.</p>;
  return (
    <section class="columns">
      <div class="card">
        <h3>Per user class</h3>
        <Tree tree={ratio.per_class} />
      </div>
      <div class="card">
        <h3>Of all tasks</h3>
        <Tree tree={ratio.total} />
      </div>
    </section>
  );
}

/** Task sets can contain themselves in a script, so that no depth is promised. */
const DEEPEST = 12;

function Tree({ tree, depth = 0 }: { tree: TaskTree; depth?: number }) {
  if (depth > DEEPEST) return null;
  return (
    <ul class="tree">
      {Object.entries(tree).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <div>
            <span>{clip(name, 200)}</span>
            <Share value={ratio} tone="accent" />
            <b class="number">{percent(ratio)}</b>
          </div>
          {tasks && <Tree tree={tasks} depth={depth + 1} />}
        </li>
      ))}
    </ul>
  );
}
