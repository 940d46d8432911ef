// Everything that can be chosen before a test starts; in the ready state a tab, later the dialog for another run.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import * as commands from '../model/commands';
import { clip } from '../model/format';
import { run } from '../model/here';
import { type Fields, initial, problems, request } from '../model/start';
import { Field, Refused, TextField } from '../parts/field';
import type { Argument, Form, StartRequest, UserClass, Value } from '../wire';
import { ClassDialog } from './class-dialog';
import { Scenarios } from './scenarios';

/** What was started last, for the next run. */
let remembered: StartRequest | null = null;

export function StartForm({ onDone }: { onDone?: () => void }) {
  const about = run.about.value;
  const form = about?.form ?? {};
  const isK6 = about?.kind === 'k6';
  const fields = useSignal(useMemo(() => initial(form, remembered), [form]));
  const busy = useSignal(false);
  const tried = useSignal(false);
  const refused = useSignal<string | null>(null);
  const changing = useSignal<string | null>(null);
  const wrong = isK6 ? {} : problems(fields.value, form);
  const status = run.status.value;
  const startable = status?.can.includes('start') ?? false;
  const set = (change: Partial<Fields>) => {
    fields.value = { ...fields.value, ...change };
  };
  const argument = (name: string, value: Value) =>
    set({ arguments: { ...fields.value.arguments, [name]: value } });

  const submit = async (event: Event) => {
    event.preventDefault();
    tried.value = true;
    if (Object.keys(wrong).length > 0) return;
    busy.value = true;
    refused.value = null;
    try {
      const body = isK6 ? {} : request(fields.value, form);
      await commands.start(body);
      if (!isK6) remembered = body;
      onDone?.();
    } catch (failed) {
      refused.value = (failed as Error).message;
    } finally {
      busy.value = false;
    }
  };

  const now = fields.value;
  const said = tried.value ? wrong : {};
  const changed = form.classes?.find((one) => one.name === changing.value);
  const close = () => {
    changing.value = null;
  };
  return (
    <>
      {changed && <ClassDialog one={changed} onClose={close} />}
      <form class="start" onSubmit={submit} noValidate>
        {isK6 ? (
          <Scenarios rows={form.scenarios ?? run.scenarios.value} />
        ) : (
          <>
            <div class="pair">
              <TextField
                label="Number of users"
                hint="at the peak"
                error={said.users}
                inputMode="numeric"
                value={now.users}
                onInput={(value) => set({ users: value })}
              />
              <TextField
                label="Spawn rate"
                hint="users a second"
                error={said.spawn_rate}
                inputMode="decimal"
                value={now.spawn_rate}
                onInput={(value) => set({ spawn_rate: value })}
              />
            </div>
            <div class="pair">
              <TextField
                label="Host"
                inputMode="url"
                placeholder="https://example.org"
                value={now.host}
                onInput={(value) => set({ host: value })}
              />
              <TextField
                label="Run time"
                hint="empty: until stopped"
                error={said.run_time}
                placeholder="20s, 3m, 1h30m"
                value={now.run_time}
                onInput={(value) => set({ run_time: value })}
              />
            </div>
            {(form.shapes?.length ?? 0) > 1 && (
              <Field label="Load shape" hint="decides the number of users instead">
                {(id) => (
                  <select id={id} value={now.shape} onChange={(e) => set({ shape: e.currentTarget.value })}>
                    {form.shapes?.map((shape) => (
                      <option key={shape} value={shape}>
                        {clip(shape, 80)}
                      </option>
                    ))}
                  </select>
                )}
              </Field>
            )}
            {form.class_picker && (form.classes?.length ?? 0) > 0 && (
              <ClassPicker
                form={form}
                chosen={now.classes}
                error={said.classes}
                onChange={(classes) => set({ classes })}
                onEdit={(one) => {
                  changing.value = one.name;
                }}
              />
            )}
            {(form.arguments?.length ?? 0) > 0 && (
              <fieldset>
                <legend>Arguments of the script</legend>
                <div class="pair">
                  {form.arguments?.map((one) => (
                    <ArgumentField
                      key={one.name}
                      argument={one}
                      value={now.arguments[one.name] ?? null}
                      error={said[one.name]}
                      onChange={(value) => argument(one.name, value)}
                    />
                  ))}
                </div>
              </fieldset>
            )}
          </>
        )}
        <Refused why={refused.value} />
        <footer>
          <button type="submit" class="primary" disabled={busy.value || !startable}>
            {busy.value ? 'Starting…' : 'Start'}
          </button>
          {!startable && (
            <span class="muted">
              {status?.state === 'ready' || status?.state === 'stopped' || status?.state === 'missing'
                ? 'A test can be started once a worker is connected.'
                : 'A test is running.'}
            </span>
          )}
        </footer>
      </form>
    </>
  );
}

function ClassPicker({
  form,
  chosen,
  error,
  onChange,
  onEdit,
}: {
  form: Form;
  chosen: readonly string[];
  error: string | undefined;
  onChange: (classes: string[]) => void;
  onEdit: (one: UserClass) => void;
}) {
  const all = form.classes ?? [];
  const toggle = (name: string) =>
    onChange(all.map((one) => one.name).filter((one) => (one === name) !== chosen.includes(one)));
  return (
    <fieldset class="classes">
      <legend>
        User classes
        <button type="button" class="link" onClick={() => onChange(all.map((one) => one.name))}>
          all
        </button>
        <button type="button" class="link" onClick={() => onChange([])}>
          none
        </button>
      </legend>
      {all.map((one) => (
        <div key={one.name} class="class">
          <label>
            <input type="checkbox" checked={chosen.includes(one.name)} onChange={() => toggle(one.name)} />
            <span>
              <strong>{clip(one.name)}</strong>
              <small>
                {one.fixed_count > 0 ? `always ${one.fixed_count}` : `weight ${one.weight}`}
                {one.host && ` · ${clip(one.host, 80)}`}
                {one.tasks.length > 0 && ` · ${clip([...new Set(one.tasks)].join(', '), 160)}`}
              </small>
            </span>
          </label>
          <button
            type="button"
            class="link"
            aria-label={`Change ${clip(one.name)}`}
            onClick={() => onEdit(one)}
          >
            change
          </button>
        </div>
      ))}
      {error && (
        <small class="error" role="alert">
          {error}
        </small>
      )}
    </fieldset>
  );
}

function ArgumentField({
  argument,
  value,
  error,
  onChange,
}: {
  argument: Argument;
  value: Value;
  error: string | undefined;
  onChange: (value: Value) => void;
}) {
  const { name, type, choices, help, multiple } = argument;
  const text = value === null ? '' : String(value);
  return (
    <Field label={clip(name, 80)} hint={help ? clip(help, 200) : undefined} error={error}>
      {(id) => {
        if (type === 'boolean') {
          return (
            <input
              id={id}
              type="checkbox"
              checked={value === true}
              onChange={(e) => onChange(e.currentTarget.checked)}
            />
          );
        }
        if (type === 'choice' && multiple) {
          const chosen = Array.isArray(value) ? value : text === '' ? [] : [text];
          return (
            <select
              id={id}
              multiple
              onChange={(e) => onChange([...e.currentTarget.selectedOptions].map((option) => option.value))}
            >
              {(choices ?? []).map((choice) => (
                <option key={choice} value={choice} selected={chosen.includes(choice)}>
                  {clip(choice, 80)}
                </option>
              ))}
            </select>
          );
        }
        if (type === 'choice') {
          return (
            <select id={id} value={text} onChange={(e) => onChange(e.currentTarget.value)}>
              {value === null && <option value="" />}
              {(choices ?? []).map((choice) => (
                <option key={choice} value={choice}>
                  {clip(choice, 80)}
                </option>
              ))}
            </select>
          );
        }
        const onInput = (event: { currentTarget: HTMLInputElement }) => {
          const typed = event.currentTarget.value;
          onChange(type === 'number' && typed === '' ? null : typed);
        };
        return type === 'secret' ? (
          <input id={id} type="password" autocomplete="off" value={text} onInput={onInput} />
        ) : (
          <input id={id} inputMode={type === 'number' ? 'decimal' : 'text'} value={text} onInput={onInput} />
        );
      }}
    </Field>
  );
}
