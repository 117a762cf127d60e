// The counts of live blocks by type of the last half hour.
//
// Called by store.ts. Invariant: a program with very many types, of very long names, costs no more than TYPES_MAX names
// and a row of figures for each count: the smaller types are summed up, and counts share the names that they have in common.
import type { TypeSum } from "./protocol";

export const SAMPLES_MAX = 200;
export const TYPES_MAX = 500;

// Types that are not told one by one; of how many they are.
export interface TypesRest { types: number; blocks: number; bytes: number }
// `types` have most bytes first, and all others no more than the last of them.
export interface TypesSample { timeMs: number; types: TypeSum[]; rest: TypesRest }

export class TypeSamples {
  private samples: TypesSample[] = [];

  // `types` are all there are, most bytes first.
  add(timeMs: number, types: TypeSum[]): TypesSample {
    // Each answer brings strings of its own: those of the sample before are taken in their place.
    const known = new Map(this.samples.at(-1)?.types.map(({ name }) => [name, name]));
    const rest = { types: Math.max(0, types.length - TYPES_MAX), blocks: 0, bytes: 0 };
    for (const { blocks, bytes } of types.slice(TYPES_MAX)) {
      rest.blocks += blocks;
      rest.bytes += bytes;
    }
    const kept = types.slice(0, TYPES_MAX).map(({ name, blocks, bytes }) => ({ name: known.get(name) ?? name, blocks, bytes }));
    const sample = { timeMs, types: kept, rest };
    this.samples.push(sample);
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
    return sample;
  }

  // The sample that is nearest to a time; nothing if there is none.
  at(timeMs: number): TypesSample | null {
    let best: TypesSample | null = null;
    for (const sample of this.samples) {
      if (!best || Math.abs(sample.timeMs - timeMs) < Math.abs(best.timeMs - timeMs)) best = sample;
    }
    return best;
  }
}
