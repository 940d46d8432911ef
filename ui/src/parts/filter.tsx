// The field above a table that narrows it down.

import type { Signal } from '@preact/signals';
import { count } from '../model/format';

interface FilterProps {
  query: Signal<string>;
  label: string;
  shown: number;
  total: number;
}

export function Filter({ query, label, shown, total }: FilterProps) {
  return (
    <div class="filter">
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
        }}
      />
      <span class="muted" role="status">
        {shown === total ? count(total) : `${count(shown)} of ${count(total)}`}
      </span>
    </div>
  );
}
