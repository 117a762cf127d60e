// Counts of types: of when each is, and what a program with very many types costs the page.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test, vi } from "vitest";
import type { Api } from "../../src/api";
import { feedTypes } from "../../src/feed";
import type { TypeSum } from "../../src/protocol";
import { Store } from "../../src/store";
import { SAMPLES_MAX, TYPES_MAX, TypeSamples } from "../../src/type_samples";
import { frame, TARGET } from "./helpers";

const HOUR_MS = 3_600_000;
afterEach(() => {
  vi.unstubAllGlobals();
});

test("a count that overtakes the first frame waits for it, and is of the frame that it was made in", async () => {
  vi.stubGlobal("document", { hidden: false });
  const store = new Store(TARGET);
  let answer: (types: { frame: number; types: TypeSum[] }) => void = () => undefined;
  const api = { isStatic: true, types: () => new Promise((resolve) => (answer = resolve)) } as unknown as Api;
  const fed = feedTypes(api, store);
  answer({ frame: 2, types: [{ name: "dict", blocks: 1, bytes: 64 }] });
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(store.typesAt(HOUR_MS)).toBeNull();
  for (let number = 1; number <= 3; number += 1) store.receive(frame({ frame: number, since: number - 1, units: 64, time_ms: HOUR_MS + number }));
  await fed;
  expect(store.typesAt(0)?.timeMs).toBe(HOUR_MS + 2);
});

test("types beyond the first are summed up, and none is lost", () => {
  const types = Array.from({ length: TYPES_MAX + 30 }, (_, at) => ({ name: `type ${at}`, blocks: 2, bytes: 10_000 - at }));
  const { types: kept, rest } = new TypeSamples().add(1, types);
  expect(kept).toEqual(types.slice(0, TYPES_MAX));
  expect(rest).toEqual({ types: 30, blocks: 60, bytes: types.slice(TYPES_MAX).reduce((sum, type) => sum + type.bytes, 0) });
});

test("half an hour of counts of long names costs as much as a few of them", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const nameBytes = 2000;
  const answer = JSON.stringify(Array.from({ length: 2 * TYPES_MAX }, (_, at) => ({ name: `${at} `.padEnd(nameBytes, "template<"), blocks: 1, bytes: 5000 - at })));
  const samples = new TypeSamples();
  const before = used();
  for (let number = 1; number <= SAMPLES_MAX; number += 1) samples.add(number * 10_000, JSON.parse(answer) as TypeSum[]);
  const grown = used() - before;
  expect(grown).toBeLessThan(SAMPLES_MAX * TYPES_MAX * 100);  // 10 MB; names of their own would be 200 MB
  expect(samples.at(0)!.types[0]!.name.length).toBe(nameBytes);
});
