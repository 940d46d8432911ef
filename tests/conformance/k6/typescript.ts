// TypeScript: types are taken out, what is more than types works.
// @options iterations
import { check } from 'k6';
import { Square, Unit, type Shape } from './lib/shapes.ts';
import type { Options } from 'k6/options';

export const options: Options = { iterations: 2 };

enum Level { Low = 1, Middle, High = Low + 10 }
const enum Fixed { A = 'a' }
namespace Tools {
  export const twice = <T extends number>(n: T): number => n * 2;
}
abstract class Base {
  protected abstract name(): string;
  greet(): string { return `hello ${this.name()}`; }
}
class Person extends Base {
  constructor(private first: string, readonly last?: string) { super(); }
  protected override name(): string { return [this.first, this.last ?? ''].join(' ').trim(); }
  get secret(): number { return 1; }
}
function overloaded(value: string): string;
function overloaded(value: number): number;
function overloaded(value: any): any { return value; }

type Row = { id: number; tags?: readonly string[] };
interface Wrapped<T> { value: T }

export default function (): void {
  const row = { id: 1 } as Row;
  const wrapped: Wrapped<Row> = { value: row };
  const shape: Shape = new Square(3, Unit.Foot);
  const sure = wrapped.value!.id satisfies number;
  console.log(JSON.stringify([Level.Middle, Level.High, Level[1], Fixed.A, Tools.twice(4)]));
  console.log(JSON.stringify([new Person('Ann').greet(), new Person('Bob', 'Lee').secret, overloaded('x'), sure]));
  check(shape, { 'area is nine': (s: Shape): boolean => s.area() === 9 });
}
