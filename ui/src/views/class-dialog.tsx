// Changes a user class for the next start, here and on all workers.

import { useSignal } from '@preact/signals';
import * as commands from '../model/commands';
import { clip } from '../model/format';
import { type ClassFields, change, initial, problems } from '../model/user-class';
import { Dialog } from '../parts/dialog';
import { ApplyOrCancel, Refused, TextField } from '../parts/field';
import type { UserClass } from '../wire';

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
        <TextField
          label="Host"
          hint="of this class; the test's own goes before it"
          inputMode="url"
          placeholder="https://example.org"
          value={now.host}
          onInput={(value) => set({ host: value })}
        />
        <div class="pair">
          <TextField
            label="Weight"
            hint="against other classes"
            error={wrong.weight}
            inputMode="decimal"
            value={now.weight}
            onInput={(value) => set({ weight: value })}
          />
          <TextField
            label="Fixed count"
            hint="users, instead of a share"
            error={wrong.fixed_count}
            inputMode="numeric"
            value={now.fixed_count}
            onInput={(value) => set({ fixed_count: value })}
          />
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
        <Refused why={refused.value} />
        <ApplyOrCancel busy={busy.value} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
