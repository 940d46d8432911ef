// Changes how many users a running test has.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import * as commands from '../model/commands';
import { run } from '../model/here';
import { scaling } from '../model/scaling';
import { Dialog } from '../parts/dialog';
import { ApplyOrCancel, Refused, TextField } from '../parts/field';

const EXTERNALLY_CONTROLLED = 'externally-controlled';

export function EditDialog({ onClose }: { onClose: () => void }) {
  return run.about.value?.kind === 'k6' ? <Scale onClose={onClose} /> : <Edit onClose={onClose} />;
}

/** Users and spawn rate of a locustfile. */
function Edit({ onClose }: { onClose: () => void }) {
  const users = useSignal(String(run.users.peek().target || run.users.peek().now));
  const rate = useSignal(String(run.about.value?.form.spawn_rate ?? 1));
  const usersWrong = /^\d+$/.test(users.value.trim()) ? undefined : 'a whole number';
  const rateWrong = Number(rate.value) > 0 ? undefined : 'a number above 0';
  return (
    <Change
      title="Edit the running test"
      isWrong={Boolean(usersWrong || rateWrong)}
      apply={() => commands.setUsers(Number(users.value), Number(rate.value))}
      onClose={onClose}
    >
      <TextField
        label="Number of users"
        error={usersWrong}
        inputMode="numeric"
        value={users.value}
        onInput={(value) => {
          users.value = value;
        }}
      />
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
    </Change>
  );
}

/** Virtual users of a k6 script's externally controlled scenario, and how many there may be. */
function Scale({ onClose }: { onClose: () => void }) {
  const [now, max] = useMemo(() => {
    const scenario = run.scenarios.peek().find((each) => each.executor === EXTERNALLY_CONTROLLED);
    const { target, now: active } = run.users.peek();
    return [target || active, scenario?.max_vus ?? target];
  }, []);
  const vus = useSignal(String(now));
  const most = useSignal(String(max));
  const wanted = scaling(vus.value, most.value, max);
  return (
    <Change
      title="Scale the running test"
      isWrong={Boolean(wanted.vusWrong || wanted.maxWrong)}
      apply={() => commands.scale(wanted.vus, wanted.max)}
      onClose={onClose}
    >
      <TextField
        label="Virtual users"
        error={wanted.vusWrong}
        inputMode="numeric"
        value={vus.value}
        onInput={(value) => {
          vus.value = value;
        }}
      />
      <TextField
        label="At most"
        hint="maxVUs"
        error={wanted.maxWrong}
        inputMode="numeric"
        value={most.value}
        onInput={(value) => {
          most.value = value;
        }}
      />
    </Change>
  );
}

function Change({
  title,
  isWrong,
  apply,
  onClose,
  children,
}: {
  title: string;
  isWrong: boolean;
  apply: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const refused = useSignal<string | null>(null);
  const busy = useSignal(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isWrong) return;
    busy.value = true;
    refused.value = null;
    try {
      await apply();
      onClose();
    } catch (failed) {
      refused.value = (failed as Error).message;
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="start" onSubmit={submit} noValidate>
        <div class="pair">{children}</div>
        <Refused why={refused.value} />
        <ApplyOrCancel busy={busy.value} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
