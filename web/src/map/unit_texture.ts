// What the shader is told of each unit: four 32-bit words, in rows of 1024 units.
//
// Called by renderer.ts with the units that changed. Words: class | flags << 8 | block slot << 16; shares of live,
// cached, free and purged blocks; age | type << 8 | change << 16; use of the arena. A pool's words stand in all its units.
import type { BlockCache } from "../blocks";
import { inOrder } from "../difference";
import type { Heap } from "../heap";
import { ageBucket } from "../palette";
import { UNITS_PER_ARENA, type Geometry } from "../protocol";

export const ROW_UNITS = 1024;
const NO_CHANGE = 128;

export class UnitTexture {
  words = new Uint32Array(0);
  rows = 0;
  // Rows to send again: [first, end).
  dirtyFirst = 0;
  dirtyEnd = 0;

  constructor(private readonly geometry: Geometry, private readonly blocks: BlockCache) {}

  // Gives true if the texture has another size now.
  resize(unitCount: number): boolean {
    const rows = Math.max(1, Math.ceil(unitCount / ROW_UNITS));
    if (rows === this.rows) return false;
    const words = new Uint32Array(rows * ROW_UNITS * 4);
    words.set(this.words.subarray(0, Math.min(words.length, this.words.length)));
    this.words = words;
    this.rows = rows;
    return true;
  }

  update(heap: Heap, before: Heap | null, units: Iterable<number> | null): void {
    if (units !== null) {
      for (const unit of units) this.updatePool(heap, before, unit);
      return;
    }
    for (let unit = 0; unit < heap.unitCount; ) unit += this.updatePool(heap, before, unit);
  }

  // Gives how many units it covered.
  private updatePool(heap: Heap, before: Heap | null, unit: number): number {
    const head = heap.headOf(unit, this.geometry);
    const first = head < 0 ? unit : head;
    const shape = this.geometry.classes[head < 0 ? 0 : heap.classes[head]];
    const units = head < 0 ? 1 : shape.units;
    const slot = head < 0 ? 0 : this.blocks.slotOf(head, heap);
    const shares = head < 0 ? 0 : sharesOf(heap, head, shape.capacity);
    const age = ageBucket(heap.unchangedSeconds(first));
    const facts = age | (this.blocks.mainType(first) << 8) | (changeOf(heap, before, first, this.geometry) << 16);
    for (let each = first; each < Math.min(first + units, heap.unitCount); each += 1) {
      const at = each * 4;
      this.words[at] = (head < 0 ? 0 : heap.classes[each]) | (heap.flags[each] << 8) | (slot << 16);
      this.words[at + 1] = shares;
      this.words[at + 2] = facts;
      this.words[at + 3] = heap.arenas[Math.floor(each / UNITS_PER_ARENA)];
    }
    this.soil(first, first + units);
    return first + units - unit;
  }

  private soil(first: number, end: number): void {
    const firstRow = Math.floor(first / ROW_UNITS);
    const endRow = Math.min(this.rows, Math.ceil(end / ROW_UNITS));
    this.dirtyFirst = this.dirtyEnd > this.dirtyFirst ? Math.min(this.dirtyFirst, firstRow) : firstRow;
    this.dirtyEnd = Math.max(this.dirtyEnd, endRow);
  }
}

function sharesOf(heap: Heap, head: number, capacity: number): number {
  const share = (blocks: number): number => (blocks === 0 ? 0 : Math.max(1, Math.round((blocks * 255) / capacity)));
  return (share(heap.live[head]) | (share(heap.cached[head]) << 8) | (share(heap.free[head]) << 16) | (share(heap.purged[head]) << 24)) >>> 0;
}

// 128 is no change, 255 a pool that filled up, 1 one that emptied.
function changeOf(heap: Heap, before: Heap | null, head: number, geometry: Geometry): number {
  if (!before) return NO_CHANGE;
  const [first, second] = inOrder(before, heap);
  const change = second.liveBytes(head, geometry) - first.liveBytes(head, geometry);
  if (change === 0) return NO_CHANGE;
  const pool = geometry.unit_bytes * Math.max(1, geometry.classes[heap.classes[head]]?.units ?? 1);
  const strength = Math.max(1, Math.round(127 * Math.sqrt(Math.min(1, Math.abs(change) / pool))));
  return NO_CHANGE + (change > 0 ? strength : -strength);
}
