// What forms are made of: a labelled field with what is wrong with it, and the end of a dialog's form.

import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { clip } from '../model/format';

export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: (id: string) => ComponentChildren;
}) {
  const id = useId();
  return (
    <div class={error ? 'field wrong' : 'field'}>
      <label for={id}>
        {label}
        {hint && <small>{hint}</small>}
      </label>
      {children(id)}
      {error && (
        <small class="error" role="alert">
          {error}
        </small>
      )}
    </div>
  );
}

/** A field for a line of text. */
export function TextField({
  label,
  hint,
  error,
  value,
  onInput,
  ...input
}: {
  label: string;
  hint?: string;
  error?: string | undefined;
  value: string;
  onInput: (value: string) => void;
  inputMode?: 'numeric' | 'decimal' | 'url';
  placeholder?: string;
}) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(id) => <input id={id} {...input} value={value} onInput={(e) => onInput(e.currentTarget.value)} />}
    </Field>
  );
}

/** Why the server did not do what was asked. */
export function Refused({ why }: { why: string | null }) {
  if (why === null) return null;
  return (
    <p class="error" role="alert">
      {clip(why, 500)}
    </p>
  );
}

export function ApplyOrCancel({ busy, onCancel }: { busy: boolean; onCancel: () => void }) {
  return (
    <footer>
      <button type="submit" class="primary" disabled={busy}>
        Apply
      </button>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </footer>
  );
}
