// Scrubbing: every moment that is kept can be made again, just as it was; old ones go in time.
import { expect, test } from "vitest";
import { Heap } from "../../src/heap";
import { History } from "../../src/history";
import { parseFrame } from "../../src/protocol";
import { Store } from "../../src/store";
import { SyntheticHeap } from "../synthetic/heap";
import { frame, pool, TARGET } from "./helpers";

const slice = (bytes: Buffer): ArrayBuffer => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

test("each moment comes back as it was, between keys and on them", () => {
  const server = new SyntheticHeap(40_000);
  const heap = new Heap();
  const history = new History({ minutes: 60, bytes: 1 << 30, framesBetweenKeys: 7 });
  const was: Uint16Array[] = [];
  for (let step = 0; step < 50; step += 1) {
    const next = parseFrame(slice(server.frameBytes(heap.frame)));
    heap.apply(next);
    history.add(next, heap);
    was.push(heap.live.slice());
    server.advance(20);
  }
  expect(history.length).toBe(50);
  for (const index of [0, 1, 6, 7, 8, 9, 31, 48, 49]) {
    const past = history.heapAt(index);
    expect(past.frame).toBe(history.head(index).frame);
    expect(past.live).toEqual(was[index]);
  }
  expect(heap.live).toEqual(was[49]);  // the live one was not touched
});

test("time finds the moment at it or before it", () => {
  const heap = new Heap();
  const history = new History();
  for (let number = 1; number <= 5; number += 1) {
    const next = frame({ frame: number, since: number - 1, units: 64 });
    heap.apply(next);
    history.add(next, heap);
  }
  expect([0, 1000, 2999, 3000, 99_000].map((timeMs) => history.indexAt(timeMs))).toEqual([0, 0, 1, 2, 4]);
  expect(new History().indexAt(5)).toBe(-1);
});

test("what is older than the limit goes, and the rest can still be made", () => {
  const heap = new Heap();
  const history = new History({ minutes: 1, bytes: 1 << 30, framesBetweenKeys: 10 });
  for (let number = 1; number <= 300; number += 1) {
    const next = frame({ frame: number, since: number - 1, units: 64 }, [pool(number % 64, 1, number)]);
    heap.apply(next);
    history.add(next, heap);
  }
  expect(history.head(0).frame).toBeGreaterThan(220);
  expect(history.length).toBeLessThan(80);
  const oldest = history.heapAt(0);
  expect(oldest.live[oldest.frame % 64]).toBe(oldest.frame);
});

test("a program that ended before the page looked has one moment to show", () => {
  const store = new Store(TARGET);
  store.receive(frame({ frame: 1, since: 0, units: 64, state: "exited" }));
  store.step(-1);
  store.pause();
  expect(store.isPaused).toBe(false);
  const other = new Store(TARGET);
  other.receive(frame({ frame: 1, since: 0, units: 64 }));
  other.receive(frame({ frame: 2, since: 1, units: 64, state: "exited" }));
  other.step(-1);
  expect(other.isPaused).toBe(true);
});

test("memory is bounded too", () => {
  const heap = new Heap();
  const history = new History({ minutes: 60, bytes: 100_000, framesBetweenKeys: 4 });
  for (let number = 1; number <= 400; number += 1) {
    const next = frame({ frame: number, since: number - 1, units: 640 });
    heap.apply(next);
    history.add(next, heap);
  }
  expect(history.length).toBeLessThan(40);
  expect(history.heapAt(0).frame).toBe(history.head(0).frame);
});

test("a paused page stays where it is, steps through moments, and goes live again", () => {
  const store = new Store(TARGET);
  for (let number = 1; number <= 9; number += 1) store.receive(frame({ frame: number, since: number - 1, units: 64 }, [pool(2, 1, number)]));
  store.pause();
  store.receive(frame({ frame: 10, since: 9, units: 64 }, [pool(2, 1, 10)]));
  expect([store.shown.live[2], store.live.live[2], store.isPaused]).toEqual([9, 10, true]);
  store.step(-3);
  expect(store.shown.live[2]).toBe(6);
  store.step(-100);
  expect(store.shown.live[2]).toBe(1);
  store.showTime(4500);
  expect(store.shown.live[2]).toBe(4);
  store.step(100);
  expect([store.isPaused, store.shown]).toEqual([false, store.live]);
});

test("where one moment is all there is, no key leads away from it", () => {
  const store = new Store({ ...TARGET, kind: "snapshot" }, true);
  store.receive(frame({ frame: 1, since: 0, units: 64 }, [pool(2, 1, 5)]));
  store.step(-1);
  store.pause();
  expect([store.isPaused, store.shown]).toEqual([false, store.live]);
});

test("a server that begins again is followed from its first frame", () => {
  const store = new Store(TARGET);
  for (let number = 1; number <= 3; number += 1) store.receive(frame({ frame: number, since: number - 1, units: 64 }, [pool(2, 1, number)]));
  store.pause();
  store.receive(frame({ frame: 1, since: 0, units: 64 }, [pool(2, 1, 77)]));
  expect([store.isPaused, store.shown.live[2], store.live.frame]).toEqual([false, 77, 1]);
});
