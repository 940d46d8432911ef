// The run as files.

import { run } from '../model/here';

interface File {
  href: string;
  title: string;
  text: string;
  /** The name to keep it under, where the server gives none. */
  as?: string;
  /** Whether only locustfiles have it. */
  locust?: boolean;
}

const FILES: readonly File[] = [
  {
    href: 'api/v1/report',
    title: 'Report',
    text: 'This page with the run in it, as one file that needs no server.',
  },
  {
    href: 'stats/requests/csv',
    title: 'Requests, CSV',
    text: 'The statistics of each request with all percentiles.',
  },
  { href: 'stats/failures/csv', title: 'Failures, CSV', text: 'Each error with how often it came.' },
  {
    href: 'exceptions/csv',
    title: 'Exceptions, CSV',
    text: 'What the script raised, with tracebacks.',
    locust: true,
  },
  {
    href: 'api/v1/snapshot',
    title: 'Run, JSON',
    text: 'All that this page shows, second by second.',
    as: 'run.json',
  },
];

export function Downloads() {
  const isK6 = run.about.value?.kind === 'k6';
  return (
    <section class="downloads">
      {FILES.filter(({ locust }) => !(locust && isK6)).map(({ href, title, text, as }) => (
        <a key={href} class="card" href={href} download={as ?? ''}>
          <strong>{title}</strong>
          <span>{text}</span>
        </a>
      ))}
    </section>
  );
}
