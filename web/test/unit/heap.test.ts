// Deltas over a whole frame: after any sequence of them the heap is the one that the server has.
import { expect, test } from "vitest";
import { Heap } from "../../src/heap";
import { parseFrame, UNIT_AGE_UNKNOWN } from "../../src/protocol";
import { SyntheticHeap } from "../synthetic/heap";
import { frame, GEOMETRY, pool } from "./helpers";

const slice = (bytes: Buffer): ArrayBuffer => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

const unitsOf = (arena: number): number[] => Array.from({ length: 64 }, (_, unit) => arena * 64 + unit);

test("a delta changes the units it names and those of the arenas it names, and no others", () => {
  const heap = new Heap();
  expect(heap.apply(frame({ frame: 1, since: 0, units: 64, arenas_changed: [[0, 1]] }, [pool(3, 2, 10), pool(5, 2, 20)]))).toBeNull();
  expect(heap.apply(frame({ frame: 2, since: 1, units: 128, arenas_changed: [[1, 1]] }, [pool(3, 2, 11), pool(70, 4, 1), { unit: 5 }]))).toEqual(Uint32Array.of(3, 70, 5, ...unitsOf(1)));
  expect([heap.live[3], heap.live[5], heap.classes[5], heap.live[70], heap.unitCount]).toEqual([11, 0, 0, 1, 128]);
  expect([...heap.arenas.subarray(0, 2)]).toEqual([1, 1]);
  expect([heap.changedFrame[3], heap.changedFrame[70]]).toEqual([2, 2]);
});

test("a unit grows old on the steady clock, whatever the time of day is set to", () => {
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 64, time_ms: 9_000_000, clock_ms: 50_000 }, [pool(3, 2, 10, { age: 4 })]));
  heap.apply(frame({ frame: 2, since: 1, units: 64, time_ms: 1_000_000, clock_ms: 52_500 }));
  expect(heap.unchangedSeconds(3)).toBe(6.5);
  heap.apply(frame({ frame: 1, since: 0, units: 64 }, [pool(3, 2, 10, { age: UNIT_AGE_UNKNOWN })]));
  expect(heap.unchangedSeconds(3)).toBe(Infinity);
});

test("a delta to another frame than ours is refused", () => {
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 64 }));
  expect(() => heap.apply(frame({ frame: 9, since: 8, units: 64 }))).toThrow("changes since 8");
  expect(() => heap.apply(frame({ frame: 2, since: 1, units: 64 }, [pool(64, 1, 1)]))).toThrow("unit 64");
});

test("live bytes are those of a pool's blocks, told by its first unit alone", () => {
  const classIndex = GEOMETRY.classes.findIndex((shape) => shape.units === 4);
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 64 }, [pool(3, 2, 10), pool(8, classIndex, 3), { unit: 9, class: classIndex }]));
  expect([3, 8, 9, 0, 64].map((unit) => heap.liveBytes(unit, GEOMETRY))).toEqual([320, 3 * GEOMETRY.classes[classIndex].block_bytes, 0, 0, 0]);
});

test("a whole frame forgets what was", () => {
  const heap = new Heap();
  heap.apply(frame({ frame: 5, since: 0, units: 128 }, [pool(100, 1, 7)]));
  heap.apply(frame({ frame: 1, since: 0, units: 64 }, [pool(1, 1, 3)]));
  expect([heap.frame, heap.unitCount, heap.live[1]]).toEqual([1, 64, 3]);
  expect(heap.headOf(100, GEOMETRY)).toBe(-1);
});

test("five hundred frames of a changing heap lead to what the server has", () => {
  const server = new SyntheticHeap(60_000);
  const heap = new Heap();
  heap.apply(parseFrame(slice(server.frameBytes(0))));
  for (let step = 0; step < 500; step += 1) {
    server.advance(5);
    if (step % 3 !== 0) heap.apply(parseFrame(slice(server.frameBytes(heap.frame))));
  }
  heap.apply(parseFrame(slice(server.frameBytes(heap.frame))));
  server.units.forEach((unit, index) => {
    expect([heap.classes[index], heap.flags[index], heap.live[index], heap.cached[index], heap.free[index], heap.purged[index]])
      .toEqual([unit.class, unit.flags, unit.live, unit.cached, unit.free, unit.purged]);
  });
});

test("the first unit of a long pool is found from each of its units", () => {
  const classIndex = GEOMETRY.classes.findIndex((shape) => shape.units === 4);
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 64 }, [pool(8, classIndex, 1), ...[9, 10, 11].map((unit) => ({ unit, class: classIndex })), { unit: 12, flags: 4 }]));
  expect([7, 8, 9, 10, 11, 12].map((unit) => heap.headOf(unit, GEOMETRY))).toEqual([-1, 8, 8, 8, 8, -1]);
});
