// Changes a user class for the next start, here and on all workers.

import { useSignal } from '@preact/signals';
import * as commands from '../model/commands';
import { clip } from '../model/format';
import { type ClassFields, change, initial, problems } from '../model/user-class';
import { Dialog } from '../parts/dialog';
import type { UserClass } from '../wire';
import { Field } from './start-form';

export function ClassDialog({ one, onClose }: { one: UserClass; onClose: () => void }) {
  const fields = useSignal(initial(one));
  const refused = useSignal<string | null>(null);
  const busy = useSignal(false);
  const wrong = problems(fields.value, one);
  const set = (changed: Partial<ClassFields>) => {
    fields.value = { ...fields.value, ...changed };
  };
  const toggle = (task: string) => {
    const { tasks } = fields.value;
    set({ tasks: tasks.includes(task) ? tasks.filter((one) => one !== task) : [...tasks, task] });
  };

  const submit = async (event: Event) => {
    event.preventDefault();
    if (Object.keys(wrong).length > 0) return;
    const changed = change(fields.value, one);
    busy.value = true;
    refused.value = null;
    try {
      if (changed) await commands.changeClass(changed);
      onClose();
    } catch (failed) {
      refused.value = (failed as Error).message;
    } finally {
      busy.value = false;
    }
  };

  const now = fields.value;
  return (
    <Dialog title={`User class ${clip(one.name, 60)}`} onClose={onClose}>
      <form class="start" onSubmit={submit} noValidate>
        <Field label="Host" hint="of this class; the test's own goes before it">
          {(id) => (
            <input
              id={id}
              type="url"
              placeholder="https://example.org"
              value={now.host}
              onInput={(e) => set({ host: e.currentTarget.value })}
            />
          )}
        </Field>
        <div class="pair">
          <Field label="Weight" hint="against other classes" error={wrong.weight}>
            {(id) => (
              <input
                id={id}
                inputMode="decimal"
                value={now.weight}
                onInput={(e) => set({ weight: e.currentTarget.value })}
              />
            )}
          </Field>
          <Field label="Fixed count" hint="users, instead of a share" error={wrong.fixed_count}>
            {(id) => (
              <input
                id={id}
                inputMode="numeric"
                value={now.fixed_count}
                onInput={(e) => set({ fixed_count: e.currentTarget.value })}
              />
            )}
          </Field>
        </div>
        {one.all_tasks.length > 0 && (
          <fieldset class="classes">
            <legend>Tasks</legend>
            {one.all_tasks.map((task) => (
              <label key={task} class="class">
                <input type="checkbox" checked={now.tasks.includes(task)} onChange={() => toggle(task)} />
                <span>{clip(task, 120)}</span>
              </label>
            ))}
            {wrong.tasks && (
              <small class="error" role="alert">
                {wrong.tasks}
              </small>
            )}
          </fieldset>
        )}
        {refused.value && (
          <p class="error" role="alert">
            {clip(refused.value, 500)}
          </p>
        )}
        <footer>
          <button type="submit" class="primary" disabled={busy.value}>
            Apply
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
