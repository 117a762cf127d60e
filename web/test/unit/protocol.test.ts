// The bytes of frames, blocks and bundles: what they say comes out, and what is cut or something else is refused.
import { expect, test } from "vitest";
import { BLOCKS_MAGIC, parseBlocks, parseBundle, parseFrame } from "../../src/protocol";
import { encode } from "../synthetic/heap";
import { frameBytes, pool } from "./helpers";

const slice = (bytes: Buffer): ArrayBuffer => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;

test("a frame's records come out as they went in", () => {
  const { head, words } = parseFrame(frameBytes({ frame: 7, since: 6, units: 200_064 }, [pool(200_001, 3, 300, { cached: 5, free: 2, purged: 34, age: 65535 })]));
  expect(head.frame).toBe(7);
  expect(head.since).toBe(6);
  expect([...words]).toEqual([200_001 & 0xffff, 200_001 >>> 16, 3 | (1 << 8), 300, 5, 2, 34, 65535]);
});

test("a frame that is cut at any place, or is none, is refused", () => {
  const whole = frameBytes({ frame: 1, since: 0, units: 64 }, [pool(0, 1, 2), pool(1, 1, 2)]);
  for (let length = 0; length < whole.byteLength; length += 1) expect(() => parseFrame(whole.slice(0, length)), `${length} bytes`).toThrow();
  const other = whole.slice(0);
  new DataView(other).setUint32(0, BLOCKS_MAGIC, true);
  expect(() => parseFrame(other)).toThrow("no frame");
});

test("blocks of several pools stand one after another, types in two bytes", () => {
  const pools = [{ unit: 4, class: 1, capacity: 3, ok: true }, { unit: 9, class: 0, capacity: 0, ok: false }, { unit: 8, class: 2, capacity: 2, ok: true }];
  const states = parseBlocks(slice(encode(BLOCKS_MAGIC, { frame: 2, pools }, Uint8Array.of(1, 0, 3, 2, 1))), "state");
  expect(states.pools.map((one) => [...one.values])).toEqual([[1, 0, 3], [], [2, 1]]);
  const types = parseBlocks(slice(encode(BLOCKS_MAGIC, { frame: 2, pools, types: ["unknown", "int"] }, new Uint8Array(Uint16Array.of(1, 0, 1, 256, 0).buffer))), "type");
  expect(types.pools.map((one) => [...one.values])).toEqual([[1, 0, 1], [], [256, 0]]);
  expect(types.types).toEqual(["unknown", "int"]);
  expect(() => parseBlocks(slice(encode(BLOCKS_MAGIC, { frame: 2, pools }, Uint8Array.of(1, 0, 3))), "state")).toThrow("cut short");
});

test("a bundle gives each answer by its path", () => {
  const entry = (name: string, body: string): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(Buffer.byteLength(name), 0);
    head.writeUInt32LE(Buffer.byteLength(body), 4);
    return Buffer.concat([head, Buffer.from(name), Buffer.from(body)]);
  };
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x73426d53, 0);
  head.writeUInt32LE(2, 4);
  const bundle = Buffer.concat([head, entry("/api/target", "{}"), entry("/api/blocks?units=3&what=state", "xyz")]);
  const entries = parseBundle(slice(bundle));
  expect([...entries.keys()]).toEqual(["/api/target", "/api/blocks?units=3&what=state"]);
  expect(new TextDecoder().decode(entries.get("/api/blocks?units=3&what=state"))).toBe("xyz");
  expect(() => parseBundle(slice(bundle.subarray(0, bundle.length - 1)))).toThrow("cut short");
});
