// The last minutes: deltas as they came, with the whole heap every so often.
//
// Called by store.ts, which adds every frame and asks for moments of the past. Invariant: the oldest entry has the
// whole heap, and each other one the changes since the entry before it; so every moment kept can be made again.
import { Heap } from "./heap";
import type { Frame, FrameHead } from "./protocol";

export interface Limits { minutes: number; bytes: number; framesBetweenKeys: number }
interface Entry { head: FrameHead; words: Uint16Array; key: Heap | null }

const DEFAULT_LIMITS: Limits = { minutes: 15, bytes: 256 << 20, framesBetweenKeys: 40 };

export class History {
  private entries: Entry[] = [];
  private sinceKey = 0;
  private size = 0;

  constructor(private readonly limits: Limits = DEFAULT_LIMITS) {}

  get length(): number {
    return this.entries.length;
  }
  head(index: number): FrameHead {
    return this.entries[index].head;
  }
  heads(): FrameHead[] {
    return this.entries.map((entry) => entry.head);
  }

  // `heap` is the live one after the frame was laid over it. A frame without news is not kept.
  add(frame: Frame, heap: Heap): boolean {
    const last = this.entries.at(-1);
    if (last && last.head.frame === frame.head.frame) return false;
    const needsKey = frame.head.since === 0 || !last || this.sinceKey >= this.limits.framesBetweenKeys;
    this.sinceKey = needsKey ? 0 : this.sinceKey + 1;
    const words = frame.head.since === 0 ? new Uint16Array(0) : frame.words.slice();
    const entry = { head: frame.head, words, key: needsKey ? heap.clone() : null };
    this.entries.push(entry);
    this.size += sizeOf(entry);
    this.forget();
    return true;
  }

  // The heap as it was in that entry. O(units + changes since the key before it).
  heapAt(index: number): Heap {
    let start = index;
    while (this.entries[start].key === null) start -= 1;
    const heap = this.entries[start].key!.clone();
    for (let at = start + 1; at <= index; at += 1) heap.apply(this.entries[at]);
    return heap;
  }

  // The newest entry of that time or before it; 0 if all are later; -1 if there is none.
  indexAt(timeMs: number): number {
    let low = 0;
    let high = this.entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.entries[middle].head.time_ms <= timeMs) low = middle;
      else high = middle - 1;
    }
    return high < 0 ? -1 : low;
  }

  // -1 if the frame is no longer (or not yet) here.
  indexOfFrame(frame: number): number {
    return this.entries.findIndex((entry) => entry.head.frame === frame);
  }

  private forget(): void {
    const newest = this.entries[this.entries.length - 1].head.time_ms;
    const isOver = (): boolean =>
      this.size > this.limits.bytes || newest - this.entries[0].head.time_ms > this.limits.minutes * 60_000;
    while (isOver()) {
      const next = this.entries.findIndex((entry, index) => index > 0 && entry.key !== null);
      if (next < 0) return;
      for (const entry of this.entries.splice(0, next)) this.size -= sizeOf(entry);
    }
  }
}

function sizeOf(entry: Entry): number {
  return entry.words.byteLength + (entry.key?.byteLength ?? 0) + 2048;
}
