// A heap made up for tests: pools for any number of blocks, of which some change in each frame.
//
// Called by the unit tests. It answers in the very bytes of the protocol that `smallblock view` speaks.
import { FRAME_MAGIC, type ClassShape, type FrameHead, type Geometry } from "../../src/protocol";

const UNIT_BYTES = 16384;
const FIRST_UNIT = 0x7f0000100000;

// The same table as src/core/size_class.hpp makes: 16 to 512 in steps of 16, then eight to each power of two.
export function makeClasses(): ClassShape[] {
  const classes: ClassShape[] = [{ block_bytes: 0, capacity: 0, units: 0, group_bytes: 0 }];
  const add = (block: number): void => {
    let units = 1;
    const isFine = block <= 512;
    while (units < 16 && !isFine && !((units * UNIT_BYTES) / block >= 16 && ((units * UNIT_BYTES) % block) * 32 <= units * UNIT_BYTES)) units *= 2;
    const pool = units * UNIT_BYTES;
    const capacity = Math.floor(pool / block);
    const isWithinPages = 4096 % block !== 0 && (pool / 4096) * Math.floor(4096 / block) === capacity;
    classes.push({ block_bytes: block, capacity, units, group_bytes: isWithinPages ? 4096 : pool });
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

interface Unit { class: number; flags: number; live: number; cached: number; free: number; purged: number; frame: number; changedMs: number }

export class SyntheticHeap {
  readonly geometry = makeGeometry();
  readonly units: Unit[] = [];
  frame = 1;
  timeMs = Date.now();
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

  private random(below: number): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * below);
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

  private head(since: number, records: number): FrameHead {
    const classes = this.geometry.classes.map(() => [0, 0, 0, 0, 0]);
    for (const unit of this.units) {
      if (unit.flags & 1) [1, unit.live, unit.cached, unit.free, unit.purged].forEach((blocks, at) => (classes[unit.class][at] += blocks));
    }
    const layers = { resident: 0, region_resident: 0, live: 0, cached: 0, free: 0, purged: 0, tail: 0, empty_resident: 0, metadata: 0, next: 0, other: 0, committed: 0 };
    const arenas = this.units.length / 64;
    return {
      frame: this.frame, since, program: 1, time_ms: this.timeMs, clock_ms: this.timeMs, state: "live", units: this.units.length, records, layers, classes, torn_pools: 0,
      arenas: { used: arenas, kept: 0, released: 0 }, totals: {},
      arenas_changed: since === 0 ? Array.from({ length: arenas }, (_, arena) => [arena, 1]) : [],
    };
  }
}
