// What changed between two moments: live bytes by class, by unit, and by type.
//
// Pure; called by the growth panel and the map's highlight. A pool that became one of another class counts as gone
// from the one and new in the other.
import type { Heap } from "./heap";
import type { Geometry } from "./protocol";
import type { TypesSample } from "./type_samples";

export interface ClassChange { class: number; blocks: number; bytes: number; pools: number }
export interface UnitChange { unit: number; bytes: number }
export type TypesCount = Pick<TypesSample, "types" | "rest">;
export interface TypeChange { name: string; blocks: number; bytes: number }

export function changesByClass(before: Heap, after: Heap, geometry: Geometry): ClassChange[] {
  const changes: ClassChange[] = [];
  const old = before.head?.classes ?? [];
  const now = after.head?.classes ?? [];
  for (let index = 1; index < geometry.classes.length; index += 1) {
    const blocks = (now[index]?.[1] ?? 0) - (old[index]?.[1] ?? 0);
    const pools = (now[index]?.[0] ?? 0) - (old[index]?.[0] ?? 0);
    if (blocks !== 0 || pools !== 0) changes.push({ class: index, blocks, pools, bytes: blocks * geometry.classes[index].block_bytes });
  }
  return changes.sort((one, other) => other.bytes - one.bytes);
}

// Live bytes of pools by their first unit; most grown first.
export function changesByUnit(before: Heap, after: Heap, geometry: Geometry): UnitChange[] {
  const changes: UnitChange[] = [];
  for (let unit = 0; unit < Math.max(before.unitCount, after.unitCount); unit += 1) {
    const bytes = after.liveBytes(unit, geometry) - before.liveBytes(unit, geometry);
    if (bytes !== 0) changes.push({ unit, bytes });
  }
  return changes.sort((one, other) => other.bytes - one.bytes);
}

// A type that one count lacks may be among those that it sums up, if it is no larger than they can be. What changed then
// is told of all such types together.
export function changesByType(before: TypesCount, after: TypesCount): TypeChange[] {
  const old = new Map(before.types.map((type) => [type.name, type]));
  const now = new Map(after.types.map((type) => [type.name, type]));
  const others = { name: "other types", blocks: after.rest.blocks - before.rest.blocks, bytes: after.rest.bytes - before.rest.bytes };
  const changes: TypeChange[] = [others];
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name), now.get(name)];
    const blocks = (is?.blocks ?? 0) - (was?.blocks ?? 0);
    const bytes = (is?.bytes ?? 0) - (was?.bytes ?? 0);
    if ((!was && is!.bytes <= restMax(before)) || (!is && was!.bytes <= restMax(after))) {
      others.blocks += blocks;
      others.bytes += bytes;
    } else {
      changes.push({ name, blocks, bytes });
    }
  }
  return changes.filter((change) => change.blocks !== 0).sort((one, other) => other.bytes - one.bytes);
}

// The earlier of two heaps first: the mark may be set after the moment on display.
export function inOrder(one: Heap, other: Heap): [Heap, Heap] {
  return one.timeMs <= other.timeMs ? [one, other] : [other, one];
}

// Of changes in their order, the `most` at its two ends: half of them each, or more of the one where the other has few.
export function ends<Row extends { bytes: number }>(rows: Row[], most: number): { grown: Row[]; left: number; shrunk: Row[] } {
  const grown = rows.filter((row) => row.bytes > 0);
  const shrunk = rows.filter((row) => row.bytes < 0);
  const up = Math.min(grown.length, Math.max(most / 2, most - shrunk.length));
  const down = Math.min(shrunk.length, most - up);
  const left = rows.length <= most ? 0 : rows.length - up - down;
  return { grown: grown.slice(0, up), left, shrunk: shrunk.slice(shrunk.length - down) };
}

// Bytes that a type among the summed up ones can have at most; less than any has where there are none.
function restMax({ types, rest }: TypesCount): number {
  return rest.types > 0 ? (types.at(-1)?.bytes ?? 0) : -1;
}
