// The single blocks of the pools in sight: asked for when they come into view, kept for some thousand pools.
//
// Called by map_view.ts (what is in sight), the renderer (which slot a pool has) and the tooltip. Invariant: a slot holds
// what the server said of its pool in one frame, and is shown only while the pool has not changed since.
import { ApiError, type Api } from "./api";
import type { Heap } from "./heap";
import type { BlocksOf, PoolBlocks } from "./protocol";
import type { Store } from "./store";
import { UNKNOWN, type TypesPalette } from "./types_palette";

export const SLOTS = 4096;
export const SLOT_BLOCKS = 1024;
const BATCH = 256;
const REQUESTS_MAX = 2;
const AGAIN_MS = 400;
const PAUSE_MS = 2000;
const TYPES_AGAIN_MS = 30_000;
const TYPES_OF_NEW_MS = 2000;

interface Slot { unit: number; seen: number; frames: Record<BlocksOf, number>; asked: Record<BlocksOf, number>; names: string[] | null }

export class BlockCache {
  // Four bytes a block: state, colour of its type, age, nothing.
  readonly texels = new Uint8Array(SLOTS * SLOT_BLOCKS * 4);
  readonly dirty = new Set<number>();
  private readonly listeners: ((units: number[]) => void)[] = [];
  private readonly slots: (Slot | null)[] = new Array<Slot | null>(SLOTS).fill(null);
  private readonly slotByUnit = new Map<number, number>();
  private readonly mainTypes = new Map<number, number>();
  private readonly typesAsked = new Map<number, { ms: number; live: number }>();
  private turn = 0;
  private running = 0;
  private quietUntil = 0;

  constructor(private readonly api: Api, private readonly store: Store, private readonly palette: TypesPalette) {}

  // Told which pools are known better, or no longer.
  onChange(listener: (units: number[]) => void): void {
    this.listeners.push(listener);
  }
  private changed(units: number[]): void {
    for (const listener of this.listeners) listener(units);
  }

  // Slot + 1 of a pool whose blocks are known as they are in that heap; else 0.
  slotOf(head: number, heap: Heap): number {
    const index = this.slotByUnit.get(head);
    if (index === undefined) return 0;
    const slot = this.slots[index]!;
    if (slot.frames.state === 0) return 0;
    const isSame = heap === this.store.live || this.isUnchanged(head, heap);
    return isSame ? index + 1 : 0;
  }
  // All that is known has to be sent to the graphics card.
  soilAll(): void {
    for (const index of this.slotByUnit.values()) this.dirty.add(index);
  }
  mainType(head: number): number {
    return this.mainTypes.get(head) ?? UNKNOWN;
  }
  // What is known of a block; nothing if its pool was not asked for.
  known(head: number, block: number, heap: Heap): { state: number; age: number; type: string | null } | null {
    const index = this.slotOf(head, heap) - 1;
    if (index < 0) return null;
    const at = (index * SLOT_BLOCKS + block) * 4;
    return { state: this.texels[at], age: this.texels[at + 2], type: this.slots[index]?.names?.[block] ?? null };
  }

  // Asks for what is missing of these pools; `detail`: single blocks, else only the types that pools mostly have.
  want(heads: number[], detail: boolean, nowMs: number): void {
    if (nowMs < this.quietUntil) return;
    this.turn += 1;
    const kinds: BlocksOf[] = detail ? ["state"] : [];
    if (this.store.mode === "type") kinds.push("type");
    if (detail && this.store.mode === "age") kinds.push("age");
    if (detail) for (const head of heads.slice(0, SLOTS)) this.touch(head);
    for (const kind of kinds) {
      const missing = heads.filter((head) => this.isMissing(head, kind, detail, nowMs));
      for (let at = 0; at < missing.length && this.running < REQUESTS_MAX; at += BATCH) {
        void this.fetch(missing.slice(at, at + BATCH), kind, nowMs);
      }
    }
  }
  // Asks once for the names of a pool's blocks, if the map has had no need of them.
  wantNames(head: number): void {
    const slot = this.slots[this.slotByUnit.get(head) ?? -1];
    if (slot?.asked.type === -Infinity) void this.fetch([head], "type", performance.now());
  }
  // Types got other colours: what they coloured is asked for again.
  forgetTypes(): void {
    this.mainTypes.clear();
    this.typesAsked.clear();
    for (const slot of this.slots) if (slot) slot.frames.type = slot.asked.type = 0;
  }

  private isUnchanged(head: number, heap: Heap): boolean {
    const live = this.store.live;
    return heap.isHead(head) && heap.classes[head] === live.classes[head] && live.changedFrame[head] <= heap.frame;
  }
  private isMissing(head: number, kind: BlocksOf, detail: boolean, nowMs: number): boolean {
    if (!detail) {
      // A pool that was asked for when it was new says little of what it is full of since.
      const asked = this.typesAsked.get(head);
      return !asked || asked.ms + (this.store.live.live[head] > 2 * asked.live ? TYPES_OF_NEW_MS : TYPES_AGAIN_MS) < nowMs;
    }
    const index = this.slotByUnit.get(head);
    if (index === undefined) return false;
    const slot = this.slots[index]!;
    const isOld = slot.frames[kind] < this.store.live.changedFrame[head] || slot.frames[kind] === 0;
    const isAging = kind === "age" && slot.asked.age + 4000 < nowMs && this.store.state === "live" && !this.api.isStatic;
    return (isOld || isAging) && slot.asked[kind] + AGAIN_MS < nowMs;
  }
  private touch(head: number): void {
    const known = this.slotByUnit.get(head);
    if (known !== undefined) {
      this.slots[known]!.seen = this.turn;
      return;
    }
    const index = this.leastSeen();
    if (index < 0) return;
    const old = this.slots[index];
    if (old) this.slotByUnit.delete(old.unit);
    const never = -Infinity;
    this.slots[index] = {
      unit: head, seen: this.turn, frames: { state: 0, type: 0, age: 0 }, asked: { state: never, type: never, age: never }, names: null,
    };
    this.slotByUnit.set(head, index);
    this.texels.fill(0, index * SLOT_BLOCKS * 4, (index + 1) * SLOT_BLOCKS * 4);
    if (old) this.changed([old.unit]);
  }
  private hand = 0;
  // A slot that is free or was not in sight this time: the next one round the clock.
  private leastSeen(): number {
    for (let step = 0; step < SLOTS; step += 1) {
      this.hand = (this.hand + 1) % SLOTS;
      const slot = this.slots[this.hand];
      if (!slot || slot.seen < this.turn) return this.hand;
    }
    return -1;
  }

  private async fetch(heads: number[], kind: BlocksOf, nowMs: number): Promise<void> {
    this.running += 1;
    for (const head of heads) {
      if (kind === "type") this.typesAsked.set(head, { ms: nowMs, live: this.store.live.live[head] });
      const index = this.slotByUnit.get(head);
      if (index !== undefined) this.slots[index]!.asked[kind] = nowMs;
    }
    try {
      const answer = await this.api.blocks(heads, kind);
      for (const pool of answer.pools) if (pool.ok) this.keep(pool, kind, answer.frame, answer.types);
      this.changed(heads);
    } catch (error) {
      if (error instanceof ApiError) this.quietUntil = performance.now() + PAUSE_MS;
      else throw error;
    } finally {
      this.running -= 1;
    }
  }

  private keep(pool: PoolBlocks, kind: BlocksOf, frame: number, types: string[]): void {
    if (kind === "type") this.mainTypes.set(pool.unit, this.mainOf(pool, types));
    const index = this.slotByUnit.get(pool.unit);
    if (index === undefined) return;
    const slot = this.slots[index]!;
    slot.frames[kind] = frame;
    const channel = kind === "state" ? 0 : kind === "type" ? 1 : 2;
    const colors = kind === "type" ? types.map((name) => this.palette.slotOf(name)) : null;
    let at = index * SLOT_BLOCKS * 4 + channel;
    for (let block = 0; block < pool.capacity; block += 1, at += 4) {
      this.texels[at] = colors ? colors[pool.values[block]] : pool.values[block];
    }
    if (kind === "type") slot.names = Array.from(pool.values, (id) => types[id]);
    this.dirty.add(index);
  }
  // The colour that most of the pool's known blocks have.
  private mainOf(pool: PoolBlocks, types: string[]): number {
    const votes = new Map<number, number>();
    for (const id of pool.values) if (id !== 0) votes.set(id, (votes.get(id) ?? 0) + 1);
    let best = 0;
    for (const [id, blocks] of votes) if (blocks > (votes.get(best) ?? 0)) best = id;
    return this.palette.slotOf(types[best] ?? "unknown");
  }
}
