// What changed between two moments: live bytes by class, by unit, and by type.
//
// Pure; called by the growth panel and the map's highlight. A pool that became one of another class counts as gone
// from the one and new in the other.
import type { Heap } from "./heap";
import type { Geometry, TypeSum } from "./protocol";

export interface ClassChange { class: number; blocks: number; bytes: number; pools: number }
export interface UnitChange { unit: number; bytes: number }
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

export function changesByType(before: TypeSum[], after: TypeSum[]): TypeChange[] {
  const changes = new Map<string, TypeChange>();
  for (const type of after) changes.set(type.name, { ...type });
  for (const type of before) {
    const change = changes.get(type.name) ?? { name: type.name, blocks: 0, bytes: 0 };
    change.blocks -= type.blocks;
    change.bytes -= type.bytes;
    changes.set(type.name, change);
  }
  return [...changes.values()].filter((change) => change.blocks !== 0).sort((one, other) => other.bytes - one.bytes);
}
