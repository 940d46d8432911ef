// How the page is built: one script, one stylesheet and an icon, all of them under relative URLs (the page may live under
// any base path), nothing inlined as a `data:` URL (the content security policy is `default-src 'self'`).
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    // `npm run measure` measures the page's own charts, but eight of them.
    ...(mode === 'measure' ? { outDir: 'dist-measure', rolldownOptions: { input: 'dev/eight.html' } } : {}),
  },
  server: {
    // `npm run mock` beside `npm run dev`.
    proxy: { '/api': 'http://127.0.0.1:8090', '/stats': 'http://127.0.0.1:8090' },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
}));
