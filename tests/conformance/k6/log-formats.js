// How log lines look in each format, and where they go.
// @options consoleOutput
// @run raw --log-format raw
// @run text --log-format text
// @run stdout --log-format raw --log-output stdout
// @run none --log-output none
// @run file --log-format raw --log-output file=engine.log
// @run console-output --log-format raw --console-output console.log
// @stderr
// @stdout
// @file engine.log console.log
// @env * K6_NO_SUMMARY=true
// @near 1
// @spread /text/stderr the controller says which worker printed a line
export default function () {
  console.log('plain');
  console.warn('with "quotes" and\nlines');
  console.error('é', { a: 1 });
}
