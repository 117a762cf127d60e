// All about the pinned block: its place, its object, its bytes, its pool and its neighbours.
//
// Called by main.ts; listens to the selection. What the page knows by itself is shown when the server cannot be asked (a
// saved page, a moment of the past, a target that ended).
import { ApiError, type Api } from "../api";
import type { BlockCache } from "../blocks";
import { bar, button, h, isInRows, refill, table, type Child } from "../dom";
import { address, blockBytes, count, pages, seconds } from "../format";
import type { MapLayout } from "../map/layout";
import { whatIs } from "../named_block";
import { css } from "../palette";
import { BlockState, stateName, STATE_NAMES, UNITS_PER_ARENA, UnitFlag, type BlockDetail } from "../protocol";
import type { Place, Store } from "../store";
import { onTheme, theme } from "../theme";
import type { Panel } from "./panels";

const AGAIN_MS = 1500;

export class DetailPanel implements Panel {
  readonly name = "Block";
  readonly element = h("div", "panel");
  onAddress: (address: number) => void = () => undefined;
  onLocate: (place: Place) => void = () => undefined;
  private askedMs = 0;

  constructor(private readonly api: Api, private readonly store: Store, private readonly layout: MapLayout, private readonly blocks: BlockCache) {
    store.on("selection", () => void this.update());
    store.on("shown", () => {
      if (store.selection && performance.now() - this.askedMs > AGAIN_MS && !isInRows(this.element)) void this.update();
    });
    blocks.onChange((heads) => {
      if (store.selection && heads.includes(store.selection.unit) && !this.canAsk) void this.update();
    });
    onTheme(() => void this.update());
    void this.update();
  }
  shown(): void {}
  hidden(): void {}

  private get canAsk(): boolean {
    return !this.store.isPaused && !this.api.isStatic;
  }
  private async update(): Promise<void> {
    const place = this.store.selection;
    if (!place) {
      refill(this.element,
        h("p", "hint", "Click a block to pin it here. Zoom in until blocks show: each square of 8 × 8 units is an arena, each unit (or a few) a pool, and each cell in it a block."),
        h("p", "hint", "Press ? for the keys."));
      return;
    }
    this.askedMs = performance.now();
    if (!this.canAsk) {
      this.drawKnown(place, this.store.isPaused ? "This is a moment of the past: what stood in the block then is not known." : "A saved page has no contents of blocks.");
      return;
    }
    try {
      const detail = await this.api.block(address(place.address));
      if (this.store.selection === place) this.draw(place, detail);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.store.selection === place) this.drawKnown(place, `The block could not be read: ${error.message}.`);
    }
  }

  private title(place: Place, sub: string): HTMLElement {
    return h("div", "detail-head", h("div", "", h("h2", "mono", address(place.address)), h("p", "sub", sub)),
             h("div", "row", button("Show", "", () => this.onLocate(place), "zoom to it", "z"), button("×", "quiet", () => this.store.select(null), "unpin", "Esc")));
  }
  private facts(rows: [string, Child][]): HTMLElement {
    const list = h("dl", "facts");
    for (const [name, value] of rows) if (value !== "" && value !== null) list.append(h("dt", "", name), h("dd", "", value));
    return list;
  }
  private poolBar(pool: { live: number; cached: number; free: number; purged: number }, capacity: number): HTMLElement {
    const { states } = theme();
    const part = (blocks: number, state: number): [number, string, string] => [blocks / capacity, css(states[state]), `${count(blocks)} ${STATE_NAMES[state]}`];
    return bar([part(pool.live, 1), part(pool.cached, 2), part(pool.free, 0), part(pool.purged, 3)]);
  }
  private poolFacts(pool: BlockDetail["pool"], detail: { arena: number; unit: number; class: number; capacity: number; block_bytes: number }): HTMLElement {
    const owner = String(pool.owner);
    const { unit_bytes, page_bytes, classes } = this.layout.geometry;
    const all = (classes[detail.class + 1].units * unit_bytes) / page_bytes;
    return h("section", "", h("h3", "", "Its pool"), this.poolBar(pool, detail.capacity), this.facts([
      ["address", h("span", "mono", pool.address)], ["place", `arena ${detail.arena}, unit ${detail.unit % UNITS_PER_ARENA}`],
      ["blocks", `${count(detail.capacity)} of ${blockBytes(detail.block_bytes)}`],
      ["live", count(pool.live)], ["in magazines", count(pool.cached)], ["free", count(pool.free)], ["purged", count(pool.purged)],
      ["owner", owner === "0" || owner === "" ? "shared by all threads" : /^\d+$/.test(owner) ? `private heap ${owner}` : owner],
      ["purged pages", pool.purged_pages && pages(pool.purged_pages, all)], ["idle pages", pool.idle_pages && pages(pool.idle_pages, all)],
    ]));
  }

  private draw(place: Place, detail: BlockDetail): void {
    const isLive = detail.state === "live";
    const state = stateName(detail.state);
    const neighbours = detail.neighbours.length === 0 ? null : h("section", "", h("h3", "", "Neighbours"), table(
      [{ name: "address", cell: (row) => h("span", "mono", row.address) }, { name: "state", cell: (row) => stateName(row.state ?? "") },
       { name: "what", cell: (row) => (row.state === "live" ? whatIs(row) : "") }],
      detail.neighbours, (row) => this.onAddress(Number(row.address))));
    refill(this.element,
      this.title(place, isLive ? (detail.type === "unknown" ? "live, no object that could be proved" : detail.type) : state),
      this.facts([
        ["state", state], ["type", isLive ? detail.type : ""], ["value", detail.value],
        ["age", detail.age_s !== null ? seconds(detail.age_s) : isLive && this.store.target.kind === "process" ? "since before the viewer looked" : ""],
        ["class", `${blockBytes(detail.block_bytes)} (class ${detail.class})`], ["block", `${detail.block} of ${detail.capacity}`],
        ["size", detail.size_bytes > 0 ? `${detail.size_bytes} of ${detail.block_bytes} bytes` : ""],
        ["object", detail.size_bytes > 0 ? `at byte ${detail.object_offset}${detail.gc_header ? ", after the collector's header" : ""}` : ""],
      ]),
      this.firstBytes(detail),
      this.poolFacts(detail.pool, detail), ...(neighbours ? [neighbours] : []));
  }

  private firstBytes(detail: BlockDetail): HTMLElement {
    if (this.store.target.kind === "snapshot") return h("p", "hint", "A snapshot has no contents of blocks.");
    return h("section", "", h("h3", "", "First bytes"), h("pre", "hex", hexLines(detail.hex)));
  }

  private drawKnown(place: Place, why: string): void {
    const heap = this.store.shown;
    const head = heap.isHead(place.unit) ? place.unit : -1;
    if (head < 0) {
      refill(this.element, this.title(place, "no pool at this moment"), h("p", "hint", why));
      return;
    }
    const classIndex = heap.classes[head];
    const shape = this.layout.geometry.classes[classIndex];
    const known = this.blocks.known(head, place.block, heap);
    if (known && this.api.isStatic) this.blocks.wantNames(head);
    const type = known?.state === BlockState.Live ? known.type : null;
    const pool = {
      address: address(this.layout.unitAddress(head)), live: heap.live[head], cached: heap.cached[head], free: heap.free[head], purged: heap.purged[head],
      owner: (heap.flags[head] & UnitFlag.Private) !== 0 ? "a private heap" : "0", purged_pages: "", idle_pages: "",
    };
    refill(this.element,
      this.title(place, type ?? (known ? STATE_NAMES[known.state] : "block")),
      h("p", "hint", why),
      this.facts([["state", known ? STATE_NAMES[known.state] : ""], ["type", type], ["class", `${blockBytes(shape.block_bytes)} (class ${classIndex - 1})`], ["block", `${place.block} of ${shape.capacity}`]]),
      this.poolFacts(pool, { arena: Math.floor(head / UNITS_PER_ARENA), unit: head, class: classIndex - 1, capacity: shape.capacity, block_bytes: shape.block_bytes }));
  }
}

// Eight bytes a line, with the characters that can be printed.
function hexLines(hex: string): string {
  const digits = hex.replace(/[^0-9a-f]/gi, "");
  const lines: string[] = [];
  for (let at = 0; at < digits.length; at += 16) {
    const pairs = digits.slice(at, at + 16).match(/../g) ?? [];
    const text = pairs.map((pair) => {
      const code = parseInt(pair, 16);
      return code >= 32 && code < 127 ? String.fromCharCode(code) : "·";
    });
    lines.push(`${(at / 2).toString(16).padStart(2, "0")}  ${pairs.join(" ").padEnd(23)}  ${text.join("")}`);
  }
  return lines.join("\n");
}
