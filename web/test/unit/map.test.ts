// The map's geometry: every block has a place, no two the same, and what is at a place is the block that was put there.
import { expect, test } from "vitest";
import type { Api } from "../../src/api";
import { BlockCache } from "../../src/blocks";
import { Heap } from "../../src/heap";
import { Camera } from "../../src/map/camera";
import { MapLayout } from "../../src/map/layout";
import { UnitTexture } from "../../src/map/unit_texture";
import { ArenaUse } from "../../src/protocol";
import { Store } from "../../src/store";
import { TypesPalette } from "../../src/types_palette";
import { frame, GEOMETRY, pool, TARGET, type Record } from "./helpers";

function layoutOf(columns: number): MapLayout {
  const layout = new MapLayout(GEOMETRY);
  layout.columns = columns;
  return layout;
}
function poolAt(unit: number, classIndex: number): Record[] {
  const { units } = GEOMETRY.classes[classIndex];
  return [pool(unit, classIndex, 1), ...Array.from({ length: units - 1 }, (_, at) => ({ unit: unit + at + 1, class: classIndex }))];
}

test("every block of every class is hit in its middle and near its corners", () => {
  const layout = layoutOf(3);
  for (let classIndex = 1; classIndex < GEOMETRY.classes.length; classIndex += 1) {
    const shape = GEOMETRY.classes[classIndex];
    const head = 64 * 4 + 32;
    const heap = new Heap();
    heap.apply(frame({ frame: 1, since: 0, units: 64 * 6 }, poolAt(head, classIndex)));
    for (let block = 0; block < shape.capacity; block += 1) {
      const rect = layout.blockRect(head, classIndex, block);
      for (const [x, y] of [[0.5, 0.5], [0.02, 0.02], [0.98, 0.98]]) {
        const hit = layout.hit(rect.x + rect.width * x, rect.y + rect.height * y, heap);
        expect([hit?.head, hit?.block, hit?.classIndex, hit?.arena], `class ${classIndex} block ${block}`).toEqual([head, block, classIndex, 4]);
      }
    }
  }
});

test("addresses and places belong together", () => {
  const layout = layoutOf(3);
  const classIndex = GEOMETRY.classes.findIndex((shape) => shape.units === 8);
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 128 }, [...poolAt(72, classIndex), pool(3, 3, 1)]));
  const shape = GEOMETRY.classes[classIndex];
  for (const block of [0, 1, shape.capacity - 1]) {
    const address = layout.blockAddress(72, classIndex, block);
    expect(layout.placeOf(address, heap)).toEqual({ address, unit: 72, block });
    expect(layout.placeOf(address + shape.block_bytes - 1, heap)).toEqual({ address, unit: 72, block });
  }
  expect(layout.placeOf(layout.unitAddress(72) + shape.capacity * shape.block_bytes, heap)).toBeNull();  // the tail, if any, or what follows
  expect(layout.placeOf(layout.unitAddress(3) + 16383, heap)).toBeNull();  // 341 blocks of 48 bytes leave 16
  expect(layout.placeOf(layout.unitAddress(0), heap)).toBeNull();
  expect(layout.placeOf(0, heap)).toBeNull();
  expect(layout.placeOf(layout.unitAddress(128), heap)).toBeNull();
});

test("the tail of a page is no block's where none crosses a page", () => {
  const layout = layoutOf(3);
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 128 }, [pool(5, 5, 1)]));
  const start = layout.unitAddress(5);
  expect(layout.blockAddress(5, 5, 50)).toBe(start + 50 * 80);  // 51 blocks of 80 bytes leave 16 of 4096
  expect(layout.blockAddress(5, 5, 51)).toBe(start + 4096);
  expect(layout.placeOf(start + 4095, heap)).toBeNull();
  expect(layout.placeOf(start + 4096 + 81, heap)).toEqual({ address: start + 4096 + 80, unit: 5, block: 52 });
  expect(layout.placeOf(start + 16383, heap)).toBeNull();
});

test("gaps, empty units, tails and the outside are no blocks", () => {
  const layout = layoutOf(2);
  const heap = new Heap();
  heap.apply(frame({ frame: 1, since: 0, units: 128 }, [pool(0, 3, 1)]));
  expect(layout.hit(8.5, 2, heap)).toBeNull();
  expect(layout.hit(-0.1, 2, heap)).toBeNull();
  expect(layout.hit(20, 2, heap)).toBeNull();
  expect(layout.hit(2, 9.5, heap)).toBeNull();
  expect(layout.hit(9.5, 0.5, heap)).toEqual({ arena: 1, unit: 64, head: -1, classIndex: 0, block: -1 });
  expect(layout.hit(0.999, 0.999, heap)).toEqual({ arena: 0, unit: 0, head: 0, classIndex: 3, block: -1 });
});

test("a zoom keeps what is under the mouse, and screen and world are each other's inverse", () => {
  const camera = new Camera();
  camera.setBounds({ x: 0, y: 0, width: 100, height: 80 });
  camera.resize(900, 600);
  camera.fit({ x: 0, y: 0, width: 100, height: 80 });
  for (const factor of [1.3, 4, 9, 0.5, 0.2]) {
    const before = camera.toWorld(450, 290);
    camera.zoom(factor, 450, 290);
    const after = camera.toWorld(450, 290);
    expect(after.x).toBeCloseTo(before.x, 6);
    expect(after.y).toBeCloseTo(before.y, 6);
    const screen = camera.toScreen(after.x, after.y);
    expect([screen.x, screen.y]).toEqual([expect.closeTo(450, 6), expect.closeTo(290, 6)]);
  }
  for (let step = 0; step < 60; step += 1) camera.zoom(2);
  expect(camera.scale).toBeLessThanOrEqual(6000);
  for (let step = 0; step < 60; step += 1) camera.zoom(0.5);
  expect(camera.scale).toBeGreaterThan(1);
});

test("a flight ends where it was to", () => {
  const camera = new Camera();
  camera.setBounds({ x: 0, y: 0, width: 100, height: 80 });
  camera.resize(800, 800);
  camera.fit({ x: 0, y: 0, width: 100, height: 80 });
  camera.flyTo({ x: 30, y: 40, width: 1, height: 1 }, 2, 1000);
  let steps = 0;
  for (let nowMs = 1000; camera.advance(nowMs); nowMs += 16) steps += 1;
  expect(steps).toBeGreaterThan(10);
  expect([camera.x, camera.y, camera.scale]).toEqual([expect.closeTo(30.5, 6), expect.closeTo(40.5, 6), expect.closeTo(400, 6)]);
});

test("each unit of an arena is told how that is used, also those that nothing was ever said of", () => {
  const texture = new UnitTexture(GEOMETRY, new BlockCache({} as Api, new Store(TARGET), new TypesPalette()));
  const heap = new Heap();
  const use = (unit: number): number => texture.words[unit * 4 + 3]!;
  const receive = (next: ReturnType<typeof frame>): void => {
    const units = heap.apply(next);
    texture.update(heap, null, texture.resize(heap.unitCount) ? null : units);
  };
  receive(frame({ frame: 1, since: 0, units: 64, arenas_changed: [[0, ArenaUse.Used]] }, [pool(3, 2, 10)]));
  receive(frame({ frame: 2, since: 1, units: 192, arenas_changed: [[1, ArenaUse.Used], [2, ArenaUse.Kept]] }, [pool(70, 2, 10)]));
  expect([3, 63, 64, 70, 127, 128, 191].map(use)).toEqual([1, 1, 1, 1, 1, 2, 2]);
  receive(frame({ frame: 3, since: 2, units: 192, arenas_changed: [[2, ArenaUse.Released]] }));
  expect([127, 128, 191].map(use)).toEqual([1, 3, 3]);
});
