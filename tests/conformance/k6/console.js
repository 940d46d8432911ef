// The console: levels, and how values are printed.
// @functions console.log console.debug console.info console.warn console.error
// @run default
// @run verbose --verbose
if (__VU === 1) console.log('in init', __VU);

export default function () {
  console.log(Object.keys(console));
  console.log('log');
  console.debug('debug');
  console.info('info');
  console.warn('warn');
  console.error('error');
  console.log();
  console.log('several', 1, true, null, undefined, 1.5);
  console.log('no %s %d formatting', 'at', 1);
  console.log({ a: 1, b: [1, { c: 2 }], u: undefined });
  console.log([1, 'two', null]);
  console.log('text', { mixed: true }, [1]);
  console.log('line one\nline two\ttab "quotes" é \u001b[31m');
  console.log(new Date(0));
  console.log(-0, 1e21, NaN, Infinity, 10n.toString());
  console.log(Object.assign(Object.create({ inherited: 1 }), { own: 2 }));
}
