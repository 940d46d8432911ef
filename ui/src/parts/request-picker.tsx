// Finds requests by name among thousands: a field with the best matches below it, driven by pointer or keyboard.

import { useComputed, useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { clip, count } from '../model/format';
import { run } from '../model/here';
import { matching, sorted } from '../model/rows';

const OFFERED = 40;

interface RequestPickerProps {
  chosen: readonly number[];
  onChoose: (id: number) => void;
  full: boolean;
}

export function RequestPicker({ chosen, onChoose, full }: RequestPickerProps) {
  const query = useSignal('');
  const open = useSignal(false);
  const at = useSignal(0);
  const list = useId();
  const found = useComputed(() => {
    if (!open.value) return [];
    const matches = matching(run.requests.value, (row) => `${row.method} ${row.name}`, query.value);
    return sorted(matches, (row) => row.count, 'down').slice(0, OFFERED + chosen.length);
  });
  const offered = found.value.filter((row) => !chosen.includes(row.id)).slice(0, OFFERED);
  const choose = (id: number) => {
    onChoose(id);
    query.value = '';
    open.value = false;
    at.value = 0;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step) {
      event.preventDefault();
      open.value = true;
      at.value = Math.max(0, Math.min(at.value + step, offered.length - 1));
    } else if (event.key === 'Enter' && open.value) {
      const row = offered[at.value];
      if (row) choose(row.id);
    } else if (event.key === 'Escape') open.value = false;
  };
  return (
    <div class="picker">
      <input
        type="text"
        role="combobox"
        aria-label="Add a request to the charts"
        aria-expanded={open.value}
        aria-controls={list}
        aria-activedescendant={open.value && offered.length ? `${list}-${at.value}` : undefined}
        placeholder={full ? 'No more lines fit' : 'Add a request…'}
        disabled={full}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          open.value = true;
          at.value = 0;
        }}
        onFocus={() => {
          open.value = true;
        }}
        onBlur={() => {
          open.value = false;
        }}
        onKeyDown={onKeyDown}
      />
      <div id={list} role="listbox" aria-label="Requests" class="popover" hidden={!open.value}>
        {offered.map((row, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keyboard.
          // biome-ignore lint/a11y/useFocusableInteractive: the field above has the focus.
          <div
            key={row.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at.value}
            // The field must not lose the focus, which would close the list before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(row.id)}
          >
            <span>
              <b>{clip(row.method, 20)}</b> {clip(row.name, 120)}
            </span>
            <small>{count(row.count)}</small>
          </div>
        ))}
        {open.value && offered.length === 0 && <p class="muted">No request matches.</p>}
      </div>
    </div>
  );
}
