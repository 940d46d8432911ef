// Throws, for error-stacks.js.
export class Mine extends Error {
  constructor(message) {
    super(message);
    this.name = 'Mine';
  }
}
export function boom(what) {
  throw new TypeError(`boom ${what}`);
}
