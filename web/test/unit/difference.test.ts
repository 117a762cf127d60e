// What grew between two moments.
import { expect, test } from "vitest";
import { changesByClass, changesByType, changesByUnit, ends, inOrder } from "../../src/difference";
import { Heap } from "../../src/heap";
import type { TypeSum } from "../../src/protocol";
import { frame, GEOMETRY, pool } from "./helpers";

function heapOf(number: number, classes: number[][], ...records: ReturnType<typeof pool>[]): Heap {
  const heap = new Heap();
  heap.apply(frame({ frame: number, since: 0, units: 64, classes }, records));
  return heap;
}

test("classes: most grown first, those without change left out", () => {
  const before = heapOf(1, [[], [2, 100, 0, 0, 0], [1, 50, 0, 0, 0], [1, 9, 0, 0, 0]]);
  const after = heapOf(2, [[], [2, 90, 0, 0, 0], [3, 80, 0, 0, 0], [1, 9, 0, 0, 0]]);
  expect(changesByClass(before, after, GEOMETRY)).toEqual([{ class: 2, blocks: 30, pools: 2, bytes: 960 }, { class: 1, blocks: -10, pools: 0, bytes: -160 }]);
});

test("units: a pool that came, one that went, and one that became of another class", () => {
  const before = heapOf(1, [], pool(0, 1, 10), pool(1, 2, 10), pool(2, 1, 5));
  const after = heapOf(2, [], pool(0, 1, 10), pool(2, 2, 5), pool(3, 4, 2));
  expect(changesByUnit(before, after, GEOMETRY)).toEqual([{ unit: 3, bytes: 128 }, { unit: 2, bytes: 80 }, { unit: 1, bytes: -320 }]);
});

const all = (types: TypeSum[]) => ({ types, rest: { types: 0, blocks: 0, bytes: 0 } });

test("types: those that came and those that went", () => {
  const before = [{ name: "dict", blocks: 5, bytes: 500 }, { name: "gone", blocks: 1, bytes: 16 }, { name: "same", blocks: 2, bytes: 32 }];
  const after = [{ name: "dict", blocks: 7, bytes: 700 }, { name: "new", blocks: 3, bytes: 48 }, { name: "same", blocks: 2, bytes: 32 }];
  expect(changesByType(all(before), all(after))).toEqual([{ name: "dict", blocks: 2, bytes: 200 }, { name: "new", blocks: 3, bytes: 48 }, { name: "gone", blocks: -1, bytes: -16 }]);
});

test("types: one that comes from among the summed up ones, or goes there, is told with them", () => {
  const before = { types: [{ name: "dict", blocks: 5, bytes: 500 }, { name: "sinks", blocks: 3, bytes: 96 }], rest: { types: 2, blocks: 4, bytes: 120 } };
  const after = { types: [{ name: "new", blocks: 9, bytes: 900 }, { name: "dict", blocks: 5, bytes: 500 }, { name: "rises", blocks: 3, bytes: 96 }], rest: { types: 2, blocks: 5, bytes: 150 } };
  // 8 blocks of 246 bytes became 7 of 216.
  expect(changesByType(before, after)).toEqual([{ name: "new", blocks: 9, bytes: 900 }, { name: "other types", blocks: 1, bytes: 30 }]);
});

test("of many changes those at the two ends are told, and never the least ones of a side that has more", () => {
  const rows = (...bytes: number[]) => bytes.map((each) => ({ bytes: each }));
  const told = (bytes: number[]) => {
    const { grown, left, shrunk } = ends(rows(...bytes), 4);
    return [grown.map((row) => row.bytes), left, shrunk.map((row) => row.bytes)];
  };
  expect(told([9, 8, 7, 6, 5, 4])).toEqual([[9, 8, 7, 6], 2, []]);
  expect(told([9, 8, 7, 6, 0, -1])).toEqual([[9, 8, 7], 2, [-1]]);
  expect(told([9, 8, 7, -1, -2, -3, -4])).toEqual([[9, 8], 3, [-3, -4]]);
  expect(told([1, 0, -1])).toEqual([[1], 0, [-1]]);
});

test("growth is from the earlier moment to the later one, wherever the mark is", () => {
  const [early, late] = [heapOf(1, []), heapOf(2, [])];
  expect([inOrder(early, late), inOrder(late, early)]).toEqual([[early, late], [early, late]]);
});
