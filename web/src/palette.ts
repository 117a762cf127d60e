// The colours of the page: two themes, and a palette for each way to colour the map.
//
// Called by the renderer (as a texture), the legend and the panels. Categories are those of Okabe and Ito, ordered
// quantities viridis: both keep apart for the colour-blind. The CSS has the same theme colours (style/theme.css).
import type { ClassShape } from "./protocol";

export type Rgb = [number, number, number];
export type ThemeName = "dark" | "light";

export interface Theme {
  background: Rgb; arena: Rgb; kept: Rgb; empty: Rgb; emptyInMemory: Rgb; text: Rgb; muted: Rgb; accent: Rgb;
  states: Rgb[];  // by BlockState
  types: Rgb[];   // 0 unknown, then by rank; the last is "other"
  grown: Rgb; shrunk: Rgb;
  layers: Record<"live" | "cached" | "free" | "tail" | "empty_resident" | "metadata" | "next" | "other" | "purged" | "region", Rgb>;
}

const hex = (text: string): Rgb => [0, 2, 4].map((at) => parseInt(text.slice(at, at + 2), 16)) as Rgb;

const DARK_TYPES = ["4a525e", "56b4e9", "e69f00", "009e73", "f0e442", "d55e00", "cc79a7", "0072b2", "88ccee", "ddcc77", "44aa99", "cc6677", "aa4499", "8a94a3"];
const LIGHT_TYPES = ["c2c8d0", "0072b2", "e69f00", "009e73", "d55e00", "cc79a7", "56b4e9", "b8a800", "332288", "88621e", "117733", "882255", "aa4499", "8a94a3"];

export const THEMES: Record<ThemeName, Theme> = {
  dark: {
    background: hex("0f1215"), arena: hex("171b20"), kept: hex("1c2128"), empty: hex("1b2026"), emptyInMemory: hex("2a3330"),
    text: hex("e7eaee"), muted: hex("919baa"), accent: hex("ffffff"),
    states: [hex("4b5563"), hex("56b4e9"), hex("e69f00"), hex("20262e")],
    types: DARK_TYPES.map(hex), grown: hex("e8702a"), shrunk: hex("3b9ddd"),
    layers: {
      region: hex("3d6f94"), live: hex("56b4e9"), cached: hex("e69f00"), free: hex("6b7686"), tail: hex("8d7aa8"), empty_resident: hex("2e9076"),
      metadata: hex("d9cf4a"), next: hex("cc79a7"), other: hex("3c4552"), purged: hex("1f252c"),
    },
  },
  light: {
    background: hex("f4f4f1"), arena: hex("ffffff"), kept: hex("f8f8f5"), empty: hex("f1f1ee"), emptyInMemory: hex("dbe9e2"),
    text: hex("1b2026"), muted: hex("626c7a"), accent: hex("000000"),
    states: [hex("bcc4ce"), hex("0072b2"), hex("e69f00"), hex("e9e9e5")],
    types: LIGHT_TYPES.map(hex), grown: hex("d55e00"), shrunk: hex("0072b2"),
    layers: {
      region: hex("7fb2d3"), live: hex("0072b2"), cached: hex("e69f00"), free: hex("aab3bf"), tail: hex("9c89b8"), empty_resident: hex("3aa584"),
      metadata: hex("cabf2c"), next: hex("cc79a7"), other: hex("c9ced6"), purged: hex("ecece8"),
    },
  },
};

// Viridis, sampled; dark ends are cut off so that both themes keep them visible.
const VIRIDIS = ["583c99", "44559a", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"].map(hex);

// share 0..1.
export function ramp(share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1);
  const low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  return mix(VIRIDIS[low], VIRIDIS[low + 1], at - low);
}

export function mix(one: Rgb, other: Rgb, share: number): Rgb {
  return one.map((value, index) => Math.round(value + (other[index] - value) * share)) as Rgb;
}

export function css(color: Rgb): string {
  return `rgb(${color[0]} ${color[1]} ${color[2]})`;
}

// White or black, whichever reads better on it: both do equally well where the luminance is 0.195.
export function inkOn(color: Rgb): string {
  const [red, green, blue] = color.map((value) => (value / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.195 ? "#10141a" : "#ffffff";
}

// By the size of a class: small blocks dark, large ones bright; most programs use the small ones most, so these differ
// more than their sizes do.
export function classColor(index: number, classes: ClassShape[]): Rgb {
  const least = Math.log2(classes[1]?.block_bytes || 16);
  const most = Math.log2(classes[classes.length - 1]?.block_bytes || 32768);
  const share = (Math.log2(classes[index]?.block_bytes || 1) - least) / Math.max(1, most - least);
  return ramp(Math.max(0, share) ** 0.7);
}

// Seconds in powers of two: 1 for less than one, 2 for one, 3 for 2 to 3, ... as the server counts.
export const AGE_UNKNOWN = 255;
export const AGE_BUCKETS = 14;
export function ageBucket(ageS: number): number {
  if (ageS === Infinity) return AGE_UNKNOWN;
  return Math.min(250, 1 + (ageS < 1 ? 0 : Math.floor(Math.log2(ageS)) + 1));
}
export function ageColor(bucket: number, theme: Theme): Rgb {
  if (bucket === AGE_UNKNOWN || bucket === 0) return theme.layers.other;
  return ramp(1 - (Math.min(bucket, AGE_BUCKETS) - 1) / (AGE_BUCKETS - 1));
}
export function ageText(bucket: number): string {
  if (bucket === AGE_UNKNOWN) return "since before this page looked";
  if (bucket <= 1) return "less than 1 s";
  const low = 2 ** (bucket - 2);
  const name = (value: number): string => (value < 60 ? `${value} s` : value < 3600 ? `${Math.round(value / 60)} min` : `${Math.round(value / 360) / 10} h`);
  return `${name(low)} to ${name(low * 2)}`;
}

// Rows of 256 colours, four bytes each: class, state, age, type.
export function paletteTexture(theme: Theme, classes: ClassShape[]): Uint8Array {
  const texture = new Uint8Array(256 * 4 * 4);
  const put = (row: number, index: number, color: Rgb): void => texture.set([...color, 255], (row * 256 + index) * 4);
  for (let index = 0; index < 256; index += 1) {
    put(0, index, index === 0 ? theme.empty : classColor(index, classes));
    put(1, index, theme.states[index & 3]);
    put(2, index, ageColor(index, theme));
    put(3, index, theme.types[Math.min(index, theme.types.length - 1)]);
  }
  return texture;
}
