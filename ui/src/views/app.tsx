// The page: header, notices, tabs, and the open tab's view.

import { useEffect } from 'preact/hooks';
import { clip, dateTime, decimal } from '../model/format';
import { run } from '../model/here';
import { trouble } from '../model/history';
import { go, place } from '../model/place';
import { link } from '../model/stream';
import { Dialog } from '../parts/dialog';
import { EditDialog } from './edit-dialog';
import { dialog, Header } from './header';
import { StartForm } from './start-form';
import { CurrentView, TabBar } from './tabs';

export function App() {
  const known = run.about.value !== null;
  const { past } = place.value;
  return (
    <>
      <Title />
      <Header />
      <Notices />
      {known ? (
        <>
          <TabBar />
          <CurrentView />
        </>
      ) : (
        <p class="nothing">
          {past !== null && trouble.value
            ? clip(trouble.value, 400)
            : link.value === 'lost'
              ? 'The server cannot be reached.'
              : 'Connecting…'}
        </p>
      )}
      {dialog.value === 'start' && (
        <Dialog title="Start another run" onClose={close}>
          <StartForm onDone={close} />
        </Dialog>
      )}
      {dialog.value === 'edit' && <EditDialog onClose={close} />}
    </>
  );
}

function close() {
  dialog.value = null;
}

function Notices() {
  const lost = link.value === 'lost';
  const saturated = run.saturated.value;
  const { past } = place.value;
  const began = link.value === 'past' ? run.status.value?.startedAt : null;
  const only = run.about.value?.history === 'only';
  return (
    <div class="notices" aria-live="polite">
      {lost && run.about.value && (
        <p class="notice bad">Connection lost. What was measured until then stays here; trying again…</p>
      )}
      {past !== null && (
        <p class="notice past">
          <span>
            {trouble.value
              ? `Run ${past} cannot be shown: ${clip(trouble.value, 300)}`
              : `This is run ${past} of the history, as it ended${began ? ` (${dateTime(began)})` : ''}.`}
          </span>
          <button type="button" class="link" onClick={() => go({ past: null, tab: 'history', requests: [] })}>
            {only ? 'Back to the list' : 'Back to the live run'}
          </button>
        </p>
      )}
      {saturated && (
        <p class="notice warn">The generator may have been the bottleneck: {clip(saturated, 400)}</p>
      )}
    </div>
  );
}

/** The window's title says how it goes, for those who work in another window. */
function Title() {
  const state = run.status.value?.state;
  const totals = run.totals.value;
  const file = clip(run.about.value?.file ?? '', 60);
  const live = state === 'running' || state === 'spawning';
  useEffect(() => {
    document.title = [live && totals ? `${decimal(totals.rps)} RPS` : '', file, 'throng']
      .filter(Boolean)
      .join(' · ');
  });
  return null;
}
