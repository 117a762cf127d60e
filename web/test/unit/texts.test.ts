// Numbers, addresses and colours as they are shown.
import { expect, test } from "vitest";
import { address, blockBytes, bytes, counted, lastPart, pages, parseAddress, percent, seconds, signedBytes } from "../../src/format";
import { whatIs } from "../../src/named_block";
import { ageBucket, ageText, classColor, inkOn, THEMES } from "../../src/palette";
import { stateName } from "../../src/protocol";
import { TypesPalette } from "../../src/types_palette";
import { GEOMETRY } from "./helpers";

test("bytes have three figures and the unit that fits", () => {
  expect([0, 16, 1000, 1024, 16384, 1.5 * 2 ** 20, 999.9 * 2 ** 20, 1023.9 * 2 ** 20].map(bytes))
    .toEqual(["0 B", "16 B", "1000 B", "1.00 KiB", "16.0 KiB", "1.50 MiB", "1000 MiB", "1.00 GiB"]);
  expect([signedBytes(2048), signedBytes(-2048), signedBytes(0)]).toEqual(["+2.00 KiB", "−2.00 KiB", "0 B"]);
  expect([percent(1, 3), percent(0, 5), percent(1, 200), percent(1, 0)]).toEqual(["33 %", "0 %", "0.5 %", "0 %"]);
  expect([5, 59.6, 65, 119.7, 3599.8, 3660].map(seconds)).toEqual(["5 s", "1 min 0 s", "1 min 5 s", "2 min 0 s", "1 h 0 min", "1 h 1 min"]);
});

test("blocks are told exactly, and one is one", () => {
  expect([16, 1664, 32768].map(blockBytes)).toEqual(["16 B", "1,664 B", "32,768 B"]);
  expect([0, 1, 2, 1000].map((value) => counted(value, "block"))).toEqual(["0 blocks", "1 block", "2 blocks", "1,000 blocks"]);
});

test("sets of pages are counted", () => {
  expect([pages("0x0", 4), pages("0xe", 4), pages("0xffffffffffffffff", 64)]).toEqual(["none", "3 of 4", "64 of 64"]);
});

test("of a long name the last part tells most", () => {
  expect(["std::vector<std::map<int, a::b>, c::d>", "(anonymous namespace)::Node", "std::__cxx11::basic_string<char>", "zoo::Cage<zoo::Cat>::Door",
          "package.module.Class", "__main__.make.<locals>.Local", "int", "<lambda>", ""].map(lastPart))
    .toEqual(["vector", "Node", "basic_string", "Door", "Class", "Local", "int", "<lambda>", ""]);
});

test("addresses are read with and without 0x, and words are no addresses", () => {
  expect([" 0x7f00aa10 ", "7f0000aa1000", "0XFF"].map(parseAddress)).toEqual([0x7f00aa10, 0x7f0000aa1000, 255]);
  expect(["dict", "deadbeef", "0x", "", "0xzz", "face", "0x7f 00"].map(parseAddress)).toEqual([null, null, null, null, null, null, null]);
  expect(parseAddress(address(0x7fffdeadbeef))).toBe(0x7fffdeadbeef);
});

test("blocks are told in the words of the commands", () => {
  expect(["free", "live", "cached", "purged", "torn"].map(stateName)).toEqual(["free", "live", "in a magazine", "purged", "torn"]);
  expect([whatIs({ type: "str", value: "'a'" }), whatIs({ type: "unknown", value: "" })]).toEqual(["str · 'a'", "unknown"]);
});

test("ages are counted as the server counts them: 1 + the bits of the seconds", () => {
  expect([0, 0.9, 1, 2, 3, 4, 1000, Infinity].map(ageBucket)).toEqual([1, 1, 2, 3, 3, 4, 11, 255]);
  expect([1, 2, 4, 255].map(ageText)).toEqual(["less than 1 s", "1 s to 2 s", "4 s to 8 s", "since before this page looked"]);
});

test("classes differ in colour, and text on a colour can be read", () => {
  const colors = GEOMETRY.classes.slice(1).map((_, at) => classColor(at + 1, GEOMETRY.classes).join());
  expect(new Set(colors).size).toBeGreaterThan(60);
  expect([inkOn([255, 255, 255]), inkOn([0, 60, 120])]).toEqual(["#10141a", "#ffffff"]);
  // As the guidelines for accessible content measure it, and what they ask for.
  const light = (part: number): number => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (color: number[]): number => color.reduce((sum, value, at) => sum + [0.2126, 0.7152, 0.0722][at]! * light(value / 255), 0) + 0.05;
  const ink = { "#ffffff": luminance([255, 255, 255]), "#10141a": luminance([16, 20, 26]) };
  for (const theme of Object.values(THEMES)) {
    for (const color of [...theme.types, ...Object.values(theme.layers)]) {
      const [low, high] = [luminance(color), ink[inkOn(color) as keyof typeof ink]].sort((one, other) => one - other);
      expect(high! / low!, String(color)).toBeGreaterThan(4.5);
    }
  }
  for (const theme of Object.values(THEMES)) expect(new Set(theme.types.map(String)).size).toBe(theme.types.length);
});

test("a type keeps its colour when others overtake it", () => {
  const palette = new TypesPalette();
  const sum = (name: string) => ({ name, blocks: 1, bytes: 1 });
  expect(palette.learn(["unknown", "dict", "str"].map(sum))).toBe(true);
  const dict = palette.slotOf("dict");
  expect(palette.learn(["str", "dict"].map(sum))).toBe(false);
  palette.learn(Array.from({ length: 40 }, (_, at) => sum(`type ${at}`)));
  expect(palette.slotOf("dict")).toBe(dict);
  expect(palette.slotOf("unknown")).toBe(0);
  expect(palette.slotOf("type 39")).toBe(palette.slotOf("never seen"));
});
