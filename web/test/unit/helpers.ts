// Frames made by hand, for the unit tests: as the server sends them, down to the bytes.
import { FRAME_MAGIC, parseFrame, type Frame, type FrameHead } from "../../src/protocol";
import { encode, makeGeometry } from "../synthetic/heap";

export const GEOMETRY = makeGeometry();
export const TARGET = { kind: "process" as const, pid: 1, command: "", program: 1, python: "", why_no_types: "", actions: false, rate_hz: 2, geometry: GEOMETRY };
export interface Record { unit: number; class?: number; flags?: number; live?: number; cached?: number; free?: number; purged?: number; age?: number }

export function frameBytes(head: Partial<FrameHead> & { frame: number; since: number; units: number }, records: Record[]): ArrayBuffer {
  const words = new Uint16Array(records.flatMap((one) => [
    one.unit & 0xffff, one.unit >>> 16, (one.class ?? 0) | ((one.flags ?? 0) << 8), one.live ?? 0, one.cached ?? 0, one.free ?? 0, one.purged ?? 0, one.age ?? 0]));
  const whole = { program: 1, time_ms: head.frame * 1000, clock_ms: head.frame * 1000, state: "live", records: records.length, layers: { live: 0 }, classes: [], arenas_changed: [], torn_pools: 0, ...head };
  const bytes = encode(FRAME_MAGIC, whole, new Uint8Array(words.buffer));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}
export function frame(head: Partial<FrameHead> & { frame: number; since: number; units: number }, records: Record[] = []): Frame {
  return parseFrame(frameBytes(head, records));
}
export function pool(unit: number, classIndex: number, live: number, more: Partial<Record> = {}): Record {
  return { unit, class: classIndex, flags: 1, live, free: GEOMETRY.classes[classIndex].capacity - live, ...more };
}
