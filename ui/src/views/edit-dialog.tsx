// Changes how many users a running test has.

import { useSignal } from '@preact/signals';
import * as commands from '../model/commands';
import { run } from '../model/here';
import { Dialog } from '../parts/dialog';
import { ApplyOrCancel, Refused, TextField } from '../parts/field';

export function EditDialog({ onClose }: { onClose: () => void }) {
  const about = run.about.value;
  const isK6 = about?.kind === 'k6';
  const users = useSignal(String(run.users.peek().target || run.users.peek().now));
  const rate = useSignal(String(about?.form.spawn_rate ?? 1));
  const refused = useSignal<string | null>(null);
  const busy = useSignal(false);
  const usersWrong = /^\d+$/.test(users.value.trim()) ? undefined : 'a whole number';
  const rateWrong = isK6 || Number(rate.value) > 0 ? undefined : 'a number above 0';

  const submit = async (event: Event) => {
    event.preventDefault();
    if (usersWrong || rateWrong) return;
    busy.value = true;
    refused.value = null;
    try {
      await commands.setUsers(Number(users.value), isK6 ? undefined : Number(rate.value));
      onClose();
    } catch (failed) {
      refused.value = (failed as Error).message;
    } finally {
      busy.value = false;
    }
  };

  return (
    <Dialog title={isK6 ? 'Scale the running test' : 'Edit the running test'} onClose={onClose}>
      <form class="start" onSubmit={submit} noValidate>
        <div class={isK6 ? '' : 'pair'}>
          <TextField
            label={isK6 ? 'Virtual users' : 'Number of users'}
            error={usersWrong}
            inputMode="numeric"
            value={users.value}
            onInput={(value) => {
              users.value = value;
            }}
          />
          {!isK6 && (
            <TextField
              label="Spawn rate"
              hint="users a second"
              error={rateWrong}
              inputMode="decimal"
              value={rate.value}
              onInput={(value) => {
                rate.value = value;
              }}
            />
          )}
        </div>
        <Refused why={refused.value} />
        <ApplyOrCancel busy={busy.value} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
