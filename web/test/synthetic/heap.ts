// A heap made up for tests: any number of blocks, the states of each from a formula, so that it needs little memory.
//
// Called by server.ts and the unit tests. It answers in the very bytes of the protocol that `smallblock view` speaks.
import { BLOCKS_MAGIC, FRAME_MAGIC, type ClassShape, type FrameHead, type Geometry, type TargetState } from "../../src/protocol";

export const UNIT_BYTES = 16384;
export const FIRST_UNIT = 0x7f0000100000;
export const TYPES = ["unknown", "dict", "tuple", "str", "list", "int", "float", "Planted", "function", "bytes", "set", "cell", "Point"];

// The same table as src/core/size_class.hpp makes: 16 to 512 in steps of 16, then eight to each power of two.
export function makeClasses(): ClassShape[] {
  const classes: ClassShape[] = [{ block_bytes: 0, capacity: 0, units: 0 }];
  const add = (block: number): void => {
    let units = 1;
    const isFine = block <= 512;
    while (units < 16 && !isFine && !((units * UNIT_BYTES) / block >= 16 && ((units * UNIT_BYTES) % block) * 32 <= units * UNIT_BYTES)) units *= 2;
    classes.push({ block_bytes: block, capacity: Math.floor((units * UNIT_BYTES) / block), units });
  };
  for (let block = 16; block <= 512; block += 16) add(block);
  for (let base = 512; base < 32768; base *= 2) for (let step = 1; step <= 8; step += 1) add(base + (step * base) / 8);
  return classes;
}

export function makeGeometry(): Geometry {
  return {
    region_address: "0x7f0000000000", first_unit_address: `0x${FIRST_UNIT.toString(16)}`, unit_bytes: UNIT_BYTES, page_bytes: 4096,
    units_per_arena: 64, classes: makeClasses(),
  };
}

export function encode(magic: number, head: object, body: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const start = Math.ceil((8 + json.length) / 8) * 8;
  const bytes = Buffer.alloc(start + body.length);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(json.length, 4);
  json.copy(bytes, 8);
  bytes.set(body, start);
  return bytes;
}

export interface Unit { class: number; flags: number; live: number; cached: number; free: number; purged: number; frame: number; changedMs: number }

export class SyntheticHeap {
  readonly geometry = makeGeometry();
  readonly units: Unit[] = [];
  frame = 1;
  timeMs = Date.now();
  state: TargetState = "live";
  private seed = 12345;

  // Pools until they have that many blocks.
  constructor(blocks: number) {
    const common = [1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 10, 12, 16, 20, 24, 30, 33, 40, 44];
    for (let made = 0; made < blocks; ) {
      const index = common[this.random(common.length)];
      const { units } = this.geometry.classes[index];
      for (let unit = 0; unit < 64; unit += units) {
        const isEmpty = this.random(40) === 0;
        if (!isEmpty) made += this.geometry.classes[index].capacity;
        this.addPool(isEmpty ? 0 : index, units);
      }
    }
  }

  random(below: number): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * below);
  }
  get blocks(): number {
    return this.units.reduce((sum, unit) => sum + (unit.flags & 1 ? this.geometry.classes[unit.class].capacity : 0), 0);
  }

  // A new frame, in which that many pools changed.
  advance(pools: number): void {
    this.frame += 1;
    this.timeMs = Date.now();
    for (let each = 0; each < pools; each += 1) {
      const at = this.random(this.units.length);
      const unit = this.units[at];
      if (!(unit.flags & 1)) continue;
      this.fill(unit, this.geometry.classes[unit.class].capacity);
      unit.frame = this.frame;
      unit.changedMs = this.timeMs;
    }
  }

  frameBytes(since: number): Buffer {
    const isWhole = since === 0 || since > this.frame;
    const told: number[] = [];
    this.units.forEach((unit, index) => {
      if (isWhole ? unit.class !== 0 || unit.flags !== 0 : unit.frame > since) told.push(index);
    });
    const words = new Uint16Array(told.length * 8);
    told.forEach((index, at) => {
      const unit = this.units[index];
      const age = Math.min(65535, Math.floor((this.timeMs - unit.changedMs) / 1000));
      words.set([index & 0xffff, index >> 16, unit.class | (unit.flags << 8), unit.live, unit.cached, unit.free, unit.purged, age], at * 8);
    });
    return encode(FRAME_MAGIC, this.head(isWhole ? 0 : since, told.length), new Uint8Array(words.buffer));
  }

  blockBytes(units: number[], what: string): Buffer {
    const parts: Buffer[] = [];
    const pools = units.map((unit) => {
      const pool = this.units[unit];
      const ok = pool !== undefined && (pool.flags & 1) !== 0;
      const capacity = ok ? this.geometry.classes[pool.class].capacity : 0;
      const values = Array.from({ length: capacity }, (_, block) => this.valueOf(unit, block, what));
      parts.push(what === "type" ? Buffer.from(new Uint16Array(values).buffer) : Buffer.from(values));
      return { unit, class: ok ? pool.class : 0, capacity, ok };
    });
    return encode(BLOCKS_MAGIC, { frame: this.frame, pools, ...(what === "type" ? { types: TYPES } : {}) }, Buffer.concat(parts));
  }

  // Blocks of a state are spread over the pool: the n-th of a walk with a stride that meets them all.
  stateOf(unit: number, block: number): number {
    const pool = this.units[unit];
    const { capacity } = this.geometry.classes[pool.class];
    let rank = capacity - 1 - block;
    if (capacity % 7 !== 0) rank = (block * 7 + unit) % capacity;
    if (rank < pool.live) return 1;
    if (rank < pool.live + pool.cached) return 2;
    return rank < pool.live + pool.cached + pool.free ? 0 : 3;
  }
  typeOf(unit: number, block: number): number {
    if (this.stateOf(unit, block) !== 1) return 0;
    const hash = Math.imul(unit * 2654435761 + (block >> 3), 40503) >>> 8;
    return hash % 5 === 0 ? hash % TYPES.length : 1 + (this.units[unit].class % (TYPES.length - 1));
  }
  private valueOf(unit: number, block: number, what: string): number {
    if (what === "state") return this.stateOf(unit, block);
    if (what === "type") return this.typeOf(unit, block);
    return this.stateOf(unit, block) === 1 ? ((block >> 4) % 9 === 0 ? 255 : 1 + ((unit + (block >> 4)) % 12)) : 0;
  }

  private addPool(index: number, units: number): void {
    for (let each = 0; each < units; each += 1) {
      const unit: Unit = { class: index, flags: 0, live: 0, cached: 0, free: 0, purged: 0, frame: 1, changedMs: this.timeMs - this.random(4000) * 1000 };
      if (index === 0) unit.flags = this.random(3) === 0 ? 4 : 0;
      else if (each === 0) this.fill(unit, this.geometry.classes[index].capacity);
      if (index !== 0 && each === 0) unit.flags = 1;
      this.units.push(unit);
    }
  }
  private fill(unit: Unit, capacity: number): void {
    const kind = this.random(10);
    unit.live = kind < 6 ? capacity - this.random(Math.ceil(capacity / 5)) : kind < 9 ? this.random(capacity) : 1 + this.random(2);
    unit.cached = Math.min(capacity - unit.live, this.random(12));
    unit.purged = kind === 9 ? Math.floor((capacity - unit.live - unit.cached) * 0.7) : 0;
    unit.free = capacity - unit.live - unit.cached - unit.purged;
  }

  head(since: number, records: number): FrameHead {
    const classes = this.geometry.classes.map(() => [0, 0, 0, 0, 0]);
    const layers = {
      resident: 0, region_resident: 0, live: 0, cached: 0, free: 0, purged: 0, tail: 0, empty_resident: 0, metadata: this.units.length * 460,
      next: 90 << 20, other: 24 << 20, committed: this.units.length * UNIT_BYTES,
    };
    for (const unit of this.units) {
      if (unit.flags & 4) layers.empty_resident += UNIT_BYTES;
      if (!(unit.flags & 1)) continue;
      const shape = this.geometry.classes[unit.class];
      [1, unit.live, unit.cached, unit.free, unit.purged].forEach((blocks, at) => (classes[unit.class][at] += blocks));
      layers.live += unit.live * shape.block_bytes;
      layers.cached += unit.cached * shape.block_bytes;
      layers.free += unit.free * shape.block_bytes;
      layers.purged += unit.purged * shape.block_bytes;
      layers.tail += shape.units * UNIT_BYTES - shape.capacity * shape.block_bytes;
    }
    layers.region_resident = layers.live + layers.cached + layers.free + layers.tail + layers.empty_resident + layers.metadata;
    layers.resident = layers.region_resident + layers.next + layers.other;
    const arenas = this.units.length / 64;
    return {
      frame: this.frame, since, time_ms: this.timeMs, state: this.state, units: this.units.length, records, layers, classes, torn_pools: 0,
      arenas: { used: arenas, kept: 0, released: 0 }, totals: {},
      arenas_changed: since === 0 ? Array.from({ length: arenas }, (_, arena) => [arena, 1]) : [],
    };
  }
}
