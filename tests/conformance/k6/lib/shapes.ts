// A typed module, for typescript.ts.
export interface Shape {
  area(): number;
}
export enum Unit {
  Metre = 'm',
  Foot = 'ft',
}
export class Square implements Shape {
  constructor(private readonly side: number, public unit: Unit = Unit.Metre) {}
  area(): number {
    return this.side ** 2;
  }
}
