// The page: header, notices, tabs, and the open tab's view.

import { useEffect } from 'preact/hooks';
import { clip, decimal } from '../model/format';
import { run } from '../model/here';
import { link } from '../model/stream';
import { Dialog } from '../parts/dialog';
import { EditDialog } from './edit-dialog';
import { dialog, Header } from './header';
import { StartForm } from './start-form';
import { CurrentView, TabBar } from './tabs';

export function App() {
  const known = run.about.value !== null;
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
        <p class="nothing">{link.value === 'lost' ? 'The server cannot be reached.' : 'Connecting…'}</p>
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
  return (
    <div class="notices" aria-live="polite">
      {lost && run.about.value && (
        <p class="notice bad">Connection lost. What was measured until then stays here; trying again…</p>
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
