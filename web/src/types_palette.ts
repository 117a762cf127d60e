// Which colour a type has: the types with most bytes get one each, the others share one.
//
// Called by blocks.ts, the legend and the stack. Invariant: a type that has a colour keeps it, so that the map does not
// flicker when two types change places.
import type { TypeSum } from "./protocol";

export const UNKNOWN = 0;
export const OTHER = 13;

export class TypesPalette {
  private readonly slots = new Map<string, number>([["unknown", UNKNOWN]]);
  private readonly free = Array.from({ length: OTHER - 1 }, (_, index) => index + 1);

  // Gives true if a type got a colour.
  learn(types: TypeSum[]): boolean {
    let isNew = false;
    for (const type of types.slice(0, OTHER)) {
      if (this.slots.has(type.name)) continue;
      const slot = this.free.shift();
      if (slot === undefined) break;
      this.slots.set(type.name, slot);
      isNew = true;
    }
    return isNew;
  }
  slotOf(name: string): number {
    return this.slots.get(name) ?? OTHER;
  }
  // Those with a colour of their own, in the order in which they got it.
  names(): [string, number][] {
    return [...this.slots].filter(([, slot]) => slot !== UNKNOWN);
  }
}
