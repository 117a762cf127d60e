// What `smallblock view` sends: its JSON answers as types, and the two binary layouts.
//
// Called by api.ts and the tests. All numbers are little endian, as on every machine that a browser runs on. Invariant:
// a parse either gives what the bytes say in full or throws; nothing of a cut answer is shown.

export const FRAME_MAGIC = 0x66426d53;
export const BLOCKS_MAGIC = 0x62426d53;
export const BUNDLE_MAGIC = 0x73426d53;
export const RECORD_BYTES = 16;
export const UNITS_PER_ARENA = 64;
export const UNIT_AGE_UNKNOWN = 0xffff;

export const enum UnitFlag { Head = 1, Private = 2, EmptyInMemory = 4 }
export const enum BlockState { Free, Live, Cached, Purged }
export const STATE_NAMES = ["free", "live", "in a magazine", "purged"] as const;
const STATE_WORDS = ["free", "live", "cached", "purged"];  // in JSON
export function stateName(word: string): string {
  return STATE_NAMES[STATE_WORDS.indexOf(word)] ?? word;
}
export const enum ArenaUse { Never, Used, Kept, Released, Changing }
export const ARENA_USE_NAMES = ["never used", "used", "empty, kept", "given back", "changing"] as const;

// Blocks lie back to back in each group_bytes of a pool, none across.
export interface ClassShape { block_bytes: number; capacity: number; units: number; group_bytes: number }
export interface Geometry {
  region_address: string;
  first_unit_address: string;
  unit_bytes: number;
  page_bytes: number;
  units_per_arena: number;
  classes: ClassShape[];
}
export interface Target {
  kind: "process" | "core" | "snapshot";
  pid: number;
  command: string;
  program: number;  // rises when the process becomes another program
  python: string;
  why_no_types: string;  // empty: there is no reason
  actions: boolean;
  rate_hz: number;
  geometry: Geometry;
}

export interface Layers {
  resident: number; region_resident: number; live: number; cached: number; free: number; purged: number; tail: number;
  empty_resident: number; metadata: number; next: number; other: number; committed: number;
}
export type TargetState = "live" | "lost" | "exited";
export interface FrameHead {
  frame: number;
  since: number;
  program: number;
  time_ms: number;
  // Steady, with a beginning of its own: ages count on it, as the time of day can be set.
  clock_ms: number;
  state: TargetState;
  units: number;
  records: number;
  layers: Layers;
  classes: number[][];
  torn_pools: number;
  arenas: { used: number; kept: number; released: number };
  totals: Record<string, number>;
  arenas_changed: [number, ArenaUse][];
}
// Records as 16-bit words, eight a record: unit (two words), class | flags << 8, live, cached, free, purged, age.
export interface Frame { head: FrameHead; words: Uint16Array }

export type BlocksOf = "state" | "type" | "age";
export interface PoolBlocks { unit: number; class: number; capacity: number; ok: boolean; values: Uint8Array | Uint16Array }
export interface Blocks { frame: number; pools: PoolBlocks[]; types: string[] }

export interface NamedBlock { address: string; type: string; value: string; state?: string }
export interface BlockDetail {
  address: string; arena: number; unit: number; class: number; block_bytes: number; block: number; capacity: number;
  state: string; age_s: number | null; type: string; value: string; size_bytes: number; object_offset: number;
  gc_header: boolean; hex: string;
  pool: {
    address: string; live: number; cached: number; free: number; purged: number; owner: number | string;
    purged_pages: string; idle_pages: string;  // a bit for each page, hexadecimal
  };
  neighbours: NamedBlock[];
}
export interface TypeSum { name: string; blocks: number; bytes: number }
export interface Types { frame: number; types: TypeSum[] }
export interface PinnedPool { unit: number; class: number; block_bytes: number; live: number; kept_bytes?: number; blocks: NamedBlock[] }
export interface PinnedArena {
  arena: number; address: string; live_blocks: number; live_bytes: number; kept_bytes: number; pools: PinnedPool[];
}
export interface Pinned { arenas: PinnedArena[]; pools: PinnedPool[] }
export interface WasteClass {
  class: number;  // from 0, as the reports count; in shapes, frames and blocks 0 is no class
  block_bytes: number; free_bytes: number; tail_bytes: number; purged_bytes: number; cached_bytes: number;
  live_bytes: number;
}
export interface Waste { classes: WasteClass[]; trim_returns_bytes: number }
export interface Match { address: string; type: string; value: string; unit: number; block: number }
export interface Matches { matches: Match[]; more: boolean }

function open(buffer: ArrayBuffer, magic: number, what: string): { head: unknown; offset: number } {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== magic) throw new Error(`this is no ${what} of smallblock`);
  const length = view.getUint32(4, true);
  if (8 + length > buffer.byteLength) throw new Error(`the ${what} is cut short`);
  const head: unknown = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  return { head, offset: Math.ceil((8 + length) / 8) * 8 };
}

export function parseFrame(buffer: ArrayBuffer): Frame {
  const { head, offset } = open(buffer, FRAME_MAGIC, "frame");
  const frameHead = head as FrameHead;
  const length = frameHead.records * RECORD_BYTES;
  if (offset + length > buffer.byteLength) throw new Error("the frame is cut short");
  return { head: frameHead, words: new Uint16Array(buffer, length > 0 ? offset : 0, length / 2) };
}

export function parseBlocks(buffer: ArrayBuffer, what: BlocksOf): Blocks {
  const { head, offset } = open(buffer, BLOCKS_MAGIC, "answer about blocks");
  const json = head as { frame: number; pools: Omit<PoolBlocks, "values">[]; types?: string[] };
  const size = what === "type" ? 2 : 1;
  let at = offset;
  const pools = json.pools.map((pool) => {
    const end = at + pool.capacity * size;
    if (end > buffer.byteLength) throw new Error("the answer about blocks is cut short");
    const part = buffer.slice(at, end);  // 16-bit values may stand at odd places after other pools
    at = end;
    return { ...pool, values: what === "type" ? new Uint16Array(part) : new Uint8Array(part) };
  });
  return { frame: json.frame, pools, types: json.types ?? [] };
}

// The answers of a static page, by request path.
export function parseBundle(buffer: ArrayBuffer): Map<string, ArrayBuffer> {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== BUNDLE_MAGIC) throw new Error("this is no bundle of smallblock");
  const entries = new Map<string, ArrayBuffer>();
  const decoder = new TextDecoder();
  let at = 8;
  for (let left = view.getUint32(4, true); left > 0; left -= 1) {
    if (at + 8 > buffer.byteLength) throw new Error("the bundle is cut short");
    const nameBytes = view.getUint32(at, true);
    const bytes = view.getUint32(at + 4, true);
    at += 8;
    if (at + nameBytes + bytes > buffer.byteLength) throw new Error("the bundle is cut short");
    entries.set(decoder.decode(new Uint8Array(buffer, at, nameBytes)), buffer.slice(at + nameBytes, at + nameBytes + bytes));
    at += nameBytes + bytes;
  }
  return entries;
}
