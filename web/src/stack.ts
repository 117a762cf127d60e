// The whole stack in one picture, from physical memory down to objects: each layer is a row, its bytes are its width.
//
// Called by main.ts; listens to the store. Each part stands below the part it belongs to, so the parts of a row add up to
// what is above them. What was given back stands right of the resident memory, as it is no part of it.
import { h } from "./dom";
import { bytes, counted, percent } from "./format";
import { css, inkOn, type Rgb } from "./palette";
import type { Layers } from "./protocol";
import type { Store } from "./store";
import { onTheme, theme } from "./theme";
import type { TypesPalette } from "./types_palette";

interface Part { name: string; value: number; color: Rgb; says: string; striped?: boolean }
interface Row { name: string; says: string; parts: Part[] }
interface Bars { pixels: number; percent: number }
const TYPES_SHOWN = 8;
const NAME_PIXELS = 144;  // the column of names, and margins
const NAME_LETTER = 7.6;  // widths of letters, bold and plain
const LETTER = 6.6;
const REST_SHARE = 0.18;  // of the track: the texts of small parts, right of the bars
const REST_PIXELS = 280;  // which is as wide at least, where the bars leave as much
const REST_SHARE_MAX = 0.36;
const REST_TEXTS = 4;
const BARS_SHARE_NARROW = 0.9;  // in a narrow window the texts stand below; there is room for the gaps between bars
const NARROW = matchMedia("(max-width: 760px)");  // as in page.css

export class StackView {
  readonly element = h("section", "stack");

  constructor(private readonly store: Store, private readonly types: TypesPalette) {
    this.element.setAttribute("aria-label", "The stack: physical memory to objects");
    store.on("figures", () => this.draw());
    store.on("types", () => this.draw());
    onTheme(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  private draw(): void {
    const head = this.store.shown.head;
    if (!head) return;
    const rows = this.rows(head.layers, head.time_ms);
    const whole = Math.max(1, ...rows.map((row) => row.parts.reduce((sum, part) => sum + part.value, 0)));
    const track = Math.max(100, this.element.clientWidth - NAME_PIXELS);
    const pixels = NARROW.matches ? track * BARS_SHARE_NARROW : track - Math.max(track * REST_SHARE, Math.min(REST_PIXELS, track * REST_SHARE_MAX));
    const bars = { pixels, percent: (100 * pixels) / track };
    this.element.replaceChildren(...rows.map((row) => this.row(row, whole, head.layers.resident, bars)));
  }

  private row(row: Row, whole: number, resident: number, bars: Bars): HTMLElement {
    const track = h("div", "stack-track");
    const small: Part[] = [];
    for (const part of row.parts) {
      if (part.value <= 0) continue;
      const share = part.value / whole;
      const room = share * bars.pixels - 12;
      const text = ` ${bytes(part.value)}`;
      const hasName = room >= part.name.length * NAME_LETTER;
      const hasAll = room >= part.name.length * NAME_LETTER + text.length * LETTER;
      if (!hasAll) small.push(part);
      const element = h("div", part.striped ? "stack-part striped" : "stack-part", hasName && h("span", "stack-text", h("b", "", part.name), hasAll && text));
      element.style.flex = `0 0 ${share * bars.percent}%`;
      element.style.background = css(part.color);
      element.style.color = part.striped ? "var(--muted)" : inkOn(part.color);
      element.title = `${part.name}: ${bytes(part.value)} (${percent(part.value, resident)} of the resident memory)\n${part.says}`;
      track.append(element);
    }
    if (small.length > 0) track.append(this.rest(small));
    const name = h("div", "stack-name", row.name);
    name.title = row.says;
    return h("div", "stack-row", name, track);
  }

  // What has no room in its bar has its bytes here: a name may be cut, a figure never.
  private rest(parts: Part[]): HTMLElement {
    const told = parts.length > REST_TEXTS ? parts.slice(0, REST_TEXTS - 1) : parts;
    const texts = told.map(({ name, value }): [string, number] => [name, value]);
    const more = parts.slice(told.length);
    if (more.length > 0) texts.push([`${more.length} more`, more.reduce((sum, part) => sum + part.value, 0)]);
    const rest = h("div", "stack-rest", ...texts.map(([name, value]) => h("span", "", h("i", "", name), bytes(value))));
    rest.title = parts.map(({ name, value }) => `${name} ${bytes(value)}`).join("\n");
    return rest;
  }

  private rows(layers: Layers, timeMs: number): Row[] {
    const colors = theme().layers;
    const pools = layers.live + layers.cached + layers.free + layers.tail;
    const region = pools + layers.empty_resident + layers.metadata;
    return [
      { name: "Physical memory", says: "What the kernel counts as resident (RSS) for this process", parts: [
        { name: "Resident", value: layers.resident, color: colors.other, says: "RSS: explained by the rows below" },
        { name: "given back", value: layers.purged, color: colors.purged, striped: true, says: "Pages of pools that are not in memory: given back, or not touched yet. They are no part of the resident memory." },
      ] },
      { name: "Owner", says: "Who the resident memory belongs to", parts: [
        { name: "smallblock", value: region, color: colors.region, says: "The region with all arenas, and the metadata of them" },
        { name: "next allocator", value: layers.next, color: colors.next, says: "Blocks too large for smallblock, which the next allocator (the C library's) serves" },
        { name: "rest", value: layers.other, color: colors.other, says: "Code, stacks, mappings and whatever else the program has" },
      ] },
      { name: "Region", says: "What the region's resident pages are used for", parts: [
        { name: "pools", value: pools, color: colors.region, says: "Pools that hold blocks of one size class each" },
        { name: "empty", value: layers.empty_resident, color: colors.empty_resident, says: "Units without a pool that are still in memory: the next pools come from here" },
        { name: "metadata", value: layers.metadata, color: colors.metadata, says: "Tables, records of pools and arenas, magazines" },
      ] },
      { name: "Blocks", says: "What the pools' resident pages hold", parts: [
        { name: "live", value: layers.live, color: colors.live, says: "Blocks that the program has" },
        { name: "magazines", value: layers.cached, color: colors.cached, says: "Freed blocks that threads keep at hand" },
        { name: "free", value: layers.free, color: colors.free, says: "Free blocks in memory" },
        { name: "ends of pools", value: layers.tail, color: colors.tail, says: "Ends of pools, or of their pages, that are too short for a block" },
      ] },
      { name: "Objects", says: "Live blocks by the type of the object in them", parts: this.objects(layers, timeMs) },
    ];
  }

  private objects(layers: Layers, timeMs: number): Part[] {
    const sample = this.store.typesAt(timeMs);
    if (!sample) return [];
    const colors = theme().types;
    const sum = sample.types.reduce((whole, type) => whole + type.bytes, sample.rest.bytes);
    const scale = sum > 0 ? layers.live / sum : 0;  // the count of types is of another moment
    const known = sample.types.filter((type) => type.name !== "unknown");
    const parts = known.slice(0, TYPES_SHOWN).map((type) => ({
      name: type.name, value: type.bytes * scale, color: colors[this.types.slotOf(type.name)], says: `${counted(type.blocks, "block")}, as last counted`,
    }));
    const rest = known.slice(TYPES_SHOWN).reduce((whole, type) => whole + type.bytes, sample.rest.bytes);
    const unknown = sample.types.find((type) => type.name === "unknown")?.bytes ?? 0;
    parts.push({ name: "other types", value: rest * scale, color: colors[colors.length - 1], says: `${Math.max(0, known.length - TYPES_SHOWN) + sample.rest.types} types` });
    parts.push({ name: "unknown", value: unknown * scale, color: colors[0], says: "Blocks that hold no object that could be proved" });
    return parts;
  }
}
