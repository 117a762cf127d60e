// The heap at one moment, as the page knows it: a whole frame, with every delta since laid over it.
//
// Called by store.ts (the live one) and history.ts (those of the past). Invariant: arrays are as long as `unitCount`
// (or longer), and hold for each unit exactly what the newest record of it said; units without a record are zero.
import { UNIT_AGE_UNKNOWN, UNITS_PER_ARENA, UnitFlag, type Frame, type FrameHead, type Geometry } from "./protocol";

export class Heap {
  head: FrameHead | null = null;
  unitCount = 0;
  classes = new Uint8Array(0);
  flags = new Uint8Array(0);
  live = new Uint16Array(0);
  cached = new Uint16Array(0);
  free = new Uint16Array(0);
  purged = new Uint16Array(0);
  changedMs = new Float64Array(0);
  changedFrame = new Uint32Array(0);
  arenas = new Uint8Array(0);

  get frame(): number {
    return this.head?.frame ?? 0;
  }
  get timeMs(): number {
    return this.head?.time_ms ?? 0;
  }

  // How long nothing has changed in the unit, in seconds; to less than a second, as records say whole ones. Infinite if
  // nothing has while the viewer looked.
  unchangedSeconds(unit: number): number {
    return ((this.head?.clock_ms ?? 0) - this.changedMs[unit]) / 1000;
  }

  // Lays the frame over this heap. Gives the units it changed, perhaps some twice; null when it was a whole frame.
  apply(frame: Frame): Uint32Array | null {
    const { head, words } = frame;
    const whole = head.since === 0;
    if (!whole && head.since !== this.frame) throw new Error(`changes since ${head.since}, but this is ${this.frame}`);
    this.resize(head.units, whole);
    const records = words.length / 8;
    const changed = new Uint32Array(records + head.arenas_changed.length * UNITS_PER_ARENA);
    for (let record = 0, at = 0; at < words.length; record += 1, at += 8) {
      const unit = words[at] + words[at + 1] * 0x10000;
      if (unit >= this.unitCount) throw new Error(`a record of unit ${unit} of ${this.unitCount}`);
      this.classes[unit] = words[at + 2] & 0xff;
      this.flags[unit] = words[at + 2] >> 8;
      this.live[unit] = words[at + 3];
      this.cached[unit] = words[at + 4];
      this.free[unit] = words[at + 5];
      this.purged[unit] = words[at + 6];
      this.changedMs[unit] = words[at + 7] === UNIT_AGE_UNKNOWN ? -Infinity : head.clock_ms - words[at + 7] * 1000;
      this.changedFrame[unit] = head.frame;
      changed[record] = unit;
    }
    // The use of an arena shows on all its units, also on those that have no record.
    head.arenas_changed.forEach(([arena, use], index) => {
      this.arenas[arena] = use;
      for (let unit = 0; unit < UNITS_PER_ARENA; unit += 1) changed[records + index * UNITS_PER_ARENA + unit] = arena * UNITS_PER_ARENA + unit;
    });
    this.head = head;
    return whole ? null : changed;
  }

  clone(): Heap {
    const copy = new Heap();
    copy.head = this.head;
    copy.unitCount = this.unitCount;
    copy.classes = this.classes.slice();
    copy.flags = this.flags.slice();
    copy.live = this.live.slice();
    copy.cached = this.cached.slice();
    copy.free = this.free.slice();
    copy.purged = this.purged.slice();
    copy.changedMs = this.changedMs.slice();
    copy.changedFrame = this.changedFrame.slice();
    copy.arenas = this.arenas.slice();
    return copy;
  }

  get byteLength(): number {
    return this.classes.length * 22 + this.arenas.length;
  }

  isHead(unit: number): boolean {
    return (this.flags[unit] & UnitFlag.Head) !== 0;
  }

  // The first unit of the pool that has this one; -1 if it belongs to none. Pools are powers of two long, and aligned.
  headOf(unit: number, geometry: Geometry): number {
    const index = this.classes[unit];
    if (unit >= this.unitCount || index === 0 || index >= geometry.classes.length) return -1;
    const head = unit - (unit % geometry.classes[index].units);
    return this.isHead(head) && this.classes[head] === index ? head : -1;
  }

  // Of the pool that begins there; 0 if none does.
  liveBytes(unit: number, geometry: Geometry): number {
    if (unit >= this.unitCount || !this.isHead(unit)) return 0;
    return this.live[unit] * (geometry.classes[this.classes[unit]]?.block_bytes ?? 0);
  }

  private resize(units: number, clear: boolean): void {
    const grow = <T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(old: T, length: number): T => {
      const fresh = new (old.constructor as new (length: number) => T)(length);
      if (!clear) fresh.set(old.subarray(0, Math.min(old.length, length)) as never);
      return fresh;
    };
    if (!clear && units <= this.classes.length) {
      this.unitCount = units;
      return;
    }
    const length = clear ? units : Math.max(units, Math.ceil(this.classes.length * 1.5));
    this.classes = grow(this.classes, length);
    this.flags = grow(this.flags, length);
    this.live = grow(this.live, length);
    this.cached = grow(this.cached, length);
    this.free = grow(this.free, length);
    this.purged = grow(this.purged, length);
    this.changedMs = grow(this.changedMs, length);
    this.changedFrame = grow(this.changedFrame, length);
    this.arenas = grow(this.arenas, Math.ceil(length / UNITS_PER_ARENA));
    this.unitCount = units;
  }
}
