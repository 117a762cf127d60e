// Where things are on the map, and what is at a place of it. Pure; the shader (shaders.ts) does the same sums.
//
// The world's measure is a unit: an arena is a square of 8 x 8 units in order of addresses, a pool is one unit, or 2, 4,
// 8 of a row, or whole rows; its blocks fill it row by row. Arenas stand in rows with a gap of one unit between them.
import type { Heap } from "../heap";
import { UNITS_PER_ARENA, type ClassShape, type Geometry } from "../protocol";

export const ARENA_SIDE = Math.sqrt(UNITS_PER_ARENA);
export const ARENA_PITCH = ARENA_SIDE + 1;

export interface Rect { x: number; y: number; width: number; height: number }
export interface PoolGrid { width: number; height: number; columns: number; rows: number; capacity: number; units: number }
// head -1: a unit without a pool; block -1: the tail of a pool, or no pool.
export interface Hit { arena: number; unit: number; head: number; classIndex: number; block: number }

function blocksInGroup(shape: ClassShape): number {
  return Math.floor(shape.group_bytes / shape.block_bytes);
}

export function gridOf(shape: ClassShape): PoolGrid {
  const width = Math.min(shape.units, ARENA_SIDE);
  const height = Math.max(1, shape.units / ARENA_SIDE);
  const columns = Math.max(1, Math.ceil(Math.sqrt((shape.capacity * width) / height)));
  return { width, height, columns, rows: Math.max(1, Math.ceil(shape.capacity / columns)), capacity: shape.capacity, units: shape.units };
}

export class MapLayout {
  readonly grids: PoolGrid[];
  columns = 1;

  constructor(readonly geometry: Geometry) {
    this.grids = geometry.classes.map(gridOf);
  }

  // Chooses how many arenas stand in a row, for a picture of that shape.
  arrange(unitCount: number, aspect: number): void {
    this.columns = Math.max(1, Math.ceil(Math.sqrt((unitCount / UNITS_PER_ARENA) * aspect)));
  }

  bounds(unitCount: number): Rect {
    const arenas = Math.max(1, Math.ceil(unitCount / UNITS_PER_ARENA));
    const columns = Math.min(arenas, this.columns);
    return { x: 0, y: 0, width: columns * ARENA_PITCH - 1, height: Math.ceil(arenas / this.columns) * ARENA_PITCH - 1 };
  }

  arenaRect(arena: number): Rect {
    return {
      x: (arena % this.columns) * ARENA_PITCH, y: Math.floor(arena / this.columns) * ARENA_PITCH,
      width: ARENA_SIDE, height: ARENA_SIDE,
    };
  }
  poolRect(head: number, classIndex: number): Rect {
    const arena = this.arenaRect(Math.floor(head / UNITS_PER_ARENA));
    const unit = head % UNITS_PER_ARENA;
    const grid = this.grids[classIndex];
    return {
      x: arena.x + (unit % ARENA_SIDE), y: arena.y + Math.floor(unit / ARENA_SIDE),
      width: grid?.width || 1, height: grid?.height || 1,
    };
  }
  blockRect(head: number, classIndex: number, block: number): Rect {
    const pool = this.poolRect(head, classIndex);
    const grid = this.grids[classIndex];
    const width = pool.width / grid.columns;
    const height = pool.height / grid.rows;
    return { x: pool.x + (block % grid.columns) * width, y: pool.y + Math.floor(block / grid.columns) * height, width, height };
  }

  unitAt(x: number, y: number, unitCount: number): number {
    const column = Math.floor(x / ARENA_PITCH);
    const row = Math.floor(y / ARENA_PITCH);
    const inX = Math.floor(x - column * ARENA_PITCH);
    const inY = Math.floor(y - row * ARENA_PITCH);
    if (column < 0 || column >= this.columns || row < 0 || inX >= ARENA_SIDE || inY >= ARENA_SIDE) return -1;
    const unit = (row * this.columns + column) * UNITS_PER_ARENA + inY * ARENA_SIDE + inX;
    return unit < unitCount ? unit : -1;
  }

  hit(x: number, y: number, heap: Heap): Hit | null {
    const unit = this.unitAt(x, y, heap.unitCount);
    if (unit < 0) return null;
    const arena = Math.floor(unit / UNITS_PER_ARENA);
    const head = heap.headOf(unit, this.geometry);
    if (head < 0) return { arena, unit, head: -1, classIndex: 0, block: -1 };
    const classIndex = heap.classes[head];
    const pool = this.poolRect(head, classIndex);
    const grid = this.grids[classIndex];
    const column = Math.floor(((x - pool.x) / pool.width) * grid.columns);
    const row = Math.floor(((y - pool.y) / pool.height) * grid.rows);
    const block = row * grid.columns + column;
    return { arena, unit, head, classIndex, block: block < grid.capacity ? block : -1 };
  }

  unitAddress(unit: number): number {
    return Number(this.geometry.first_unit_address) + unit * this.geometry.unit_bytes;
  }
  blockAddress(head: number, classIndex: number, block: number): number {
    const shape = this.geometry.classes[classIndex];
    const inGroup = blocksInGroup(shape);
    return this.unitAddress(head) + Math.floor(block / inGroup) * shape.group_bytes + (block % inGroup) * shape.block_bytes;
  }
  // Nothing for an address outside of the pools that the heap has.
  placeOf(address: number, heap: Heap): { address: number; unit: number; block: number } | null {
    const unit = Math.floor((address - Number(this.geometry.first_unit_address)) / this.geometry.unit_bytes);
    if (!(unit >= 0) || unit >= heap.unitCount) return null;
    const head = heap.headOf(unit, this.geometry);
    if (head < 0) return null;
    const shape = this.geometry.classes[heap.classes[head]];
    const offset = address - this.unitAddress(head);
    const inGroup = blocksInGroup(shape);
    const index = Math.floor((offset % shape.group_bytes) / shape.block_bytes);
    const block = Math.floor(offset / shape.group_bytes) * inGroup + index;
    if (index >= inGroup || block >= shape.capacity) return null;
    return { address: this.blockAddress(head, heap.classes[head], block), unit: head, block };
  }
}
