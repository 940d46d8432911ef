// Whether there is a login, and what follows when a session has ended.

import { signal } from '@preact/signals';

/** Whether there is something to log out of. */
export const login = signal(false);

/**
 * Asks the server who we are to it. Without a session that is nobody, and the login is the only place to go. A guard of the test's
 * own may send us elsewhere, or away: if we were let in before, the page is asked for anew, and the guard's answer is seen.
 */
export async function ask(wasIn = false): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch('api/v1/session');
  } catch {
    return; // The event stream says that the server cannot be reached.
  }
  if (answer.status === 401) location.assign('login');
  else if (wasIn && (answer.redirected || answer.status === 403)) location.reload();
  else if (answer.ok && !answer.redirected)
    login.value = ((await answer.json()) as { login?: unknown }).login === true;
}

export async function logOut(): Promise<void> {
  await fetch('logout', { method: 'POST', redirect: 'manual' });
  location.assign('login');
}
