// A bundle, as esbuild writes one with `--sourcemap=inline`: errors are shown where its sources have them. Columns are left
// out: k6's count from 0 here, throng's from 1 as everywhere.
// @functions console.log

// src/util.ts
function boom(what) {
  throw new Error(`mapped ${what}`);
}

// src/main.ts
function main_default() {
  const show = (stack) => console.log(JSON.stringify(stack.replace(/:(\d+):\d+(\(\d+\))?\)/g, ':$1)').replace(/file:\S*conformance/g, '')));
  try { boom(1); } catch (e) { show(e.stack); }
  again(show);
}
function again(show) {
  try { boom(2); } catch (e) { show(e.stack); }
}
export {
  main_default as default
};
//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbIi4uLy4uL2NvbmZvcm1hbmNlL3NyYy91dGlsLnRzIiwid2VicGFjazovL2FwcC8uL3NyYy9tYWluLnRzIl0sInNvdXJjZXNDb250ZW50IjpbIiIsIiJdLCJuYW1lcyI6W10sIm1hcHBpbmdzIjoiOzs7OztBQUVBO0VBR0UsTUFBTTs7OztBQ0VSO0VBQ0U7RUFDQSxNQUFNO0VBV047O0FBVUY7RUFDRSxNQUFNIn0=
