// Which columns of a table are shown.

import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

interface ColumnChooserProps {
  columns: readonly { key: string; label: string; title?: string }[];
  /** Columns that cannot be hidden. */
  fixed: readonly string[];
  hidden: Signal<string[]>;
  open: Signal<boolean>;
}

export function ColumnChooser({ columns, fixed, hidden, open }: ColumnChooserProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open.value) return;
    const close = (event: Event) => {
      if (
        event instanceof KeyboardEvent ? event.key === 'Escape' : !box.current?.contains(event.target as Node)
      ) {
        open.value = false;
      }
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => {
      removeEventListener('pointerdown', close);
      removeEventListener('keydown', close);
    };
  }, [open.value, open]);
  const toggle = (key: string) => {
    const now = hidden.value;
    hidden.value = now.includes(key) ? now.filter((one) => one !== key) : [...now, key];
  };
  return (
    <div class="chooser" ref={box}>
      <button
        type="button"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        Columns
      </button>
      {open.value && (
        <fieldset class="popover">
          <legend class="unseen">Columns</legend>
          {columns
            .filter((one) => !fixed.includes(one.key))
            .map((one) => (
              <label key={one.key}>
                <input
                  type="checkbox"
                  checked={!hidden.value.includes(one.key)}
                  onChange={() => toggle(one.key)}
                />
                {one.label}
              </label>
            ))}
        </fieldset>
      )}
    </div>
  );
}
