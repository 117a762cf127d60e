// What is under the mouse: address, class, state, type and value. Called by main.ts with each hover.
//
// What the page knows is shown at once; the value is asked for when the mouse rests. Invariant: a late answer about
// another block is dropped.
import type { Api } from "./api";
import type { BlockCache } from "./blocks";
import { h, type Child } from "./dom";
import { address, blockBytes, count, seconds } from "./format";
import type { Hit, MapLayout } from "./map/layout";
import { ageText, AGE_UNKNOWN } from "./palette";
import { ARENA_USE_NAMES, STATE_NAMES, UNITS_PER_ARENA, UnitFlag } from "./protocol";
import type { Store } from "./store";

const REST_MS = 70;

export class Tooltip {
  readonly element = h("div", "tooltip");
  private timer = 0;
  private shown = "";
  private readonly values = new Map<string, string>();

  constructor(private readonly api: Api, private readonly store: Store, private readonly layout: MapLayout, private readonly blocks: BlockCache) {
    this.element.hidden = true;
    store.on("shown", () => this.values.clear());
  }

  show(hit: Hit | null, x: number, y: number): void {
    clearTimeout(this.timer);
    this.element.hidden = hit === null;
    if (!hit) {
      this.shown = "";
      return;
    }
    const key = hit.block >= 0 ? address(this.layout.blockAddress(hit.head, hit.classIndex, hit.block)) : "";
    this.shown = key;
    this.element.replaceChildren(...(hit.head < 0 ? this.aboutUnit(hit) : this.aboutBlock(hit, key)));
    this.place(x, y);
    const known = hit.block >= 0 ? this.blocks.known(hit.head, hit.block, this.store.shown) : null;
    if (key !== "" && !this.values.has(key) && known?.state === 1 && !this.store.isPaused && !this.api.isStatic) {
      this.timer = window.setTimeout(() => void this.ask(hit, key, x, y), REST_MS);
    }
  }

  private async ask(hit: Hit, key: string, x: number, y: number): Promise<void> {
    try {
      const detail = await this.api.block(key);
      this.values.set(key, `${detail.type}${detail.value ? ` · ${detail.value}` : ""}`);
    } catch {
      this.values.set(key, "");
    }
    if (this.shown === key) this.show(hit, x, y);
  }

  private place(x: number, y: number): void {
    const { clientWidth, clientHeight } = this.element.parentElement!;
    const { offsetWidth, offsetHeight } = this.element;
    const left = x + 18 + offsetWidth > clientWidth ? x - offsetWidth - 12 : x + 18;
    const top = Math.min(y + 14, clientHeight - offsetHeight - 6);
    this.element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  private line(name: string, value: Child): HTMLElement {
    return h("div", "tooltip-line", h("span", "", name), h("b", "", value));
  }
  private aboutUnit(hit: Hit): HTMLElement[] {
    const heap = this.store.shown;
    const isInMemory = (heap.flags[hit.unit] & UnitFlag.EmptyInMemory) !== 0;
    return [
      h("div", "tooltip-title mono", address(this.layout.unitAddress(hit.unit))),
      this.line("unit", `${hit.unit % UNITS_PER_ARENA} of arena ${hit.arena}, empty${isInMemory ? ", still in memory" : ""}`),
      this.line("arena", ARENA_USE_NAMES[heap.arenas[hit.arena]] ?? ""),
    ];
  }
  private aboutBlock(hit: Hit, key: string): HTMLElement[] {
    const heap = this.store.shown;
    const shape = this.layout.geometry.classes[hit.classIndex];
    const lines: HTMLElement[] = [h("div", "tooltip-title mono", key || address(this.layout.unitAddress(hit.head)))];
    lines.push(this.line("class", `${blockBytes(shape.block_bytes)} (class ${hit.classIndex - 1})`));
    if (hit.block >= 0) {
      const known = this.blocks.known(hit.head, hit.block, heap);
      if (known) lines.push(this.line("state", STATE_NAMES[known.state]));
      const type = this.values.get(key) || (known?.state === 1 ? known.type : null);
      if (type) lines.push(this.line("type", type));
      if (known && known.age !== 0) lines.push(this.line("age", ageText(known.age)));
      lines.push(this.line("block", `${hit.block} of ${shape.capacity}`));
    } else {
      lines.push(this.line("block", "none: the pool's end"));
    }
    const live = heap.live[hit.head];
    lines.push(this.line("pool", `${count(live)} live, ${count(heap.cached[hit.head])} in magazines, ${count(heap.free[hit.head])} free, ${count(heap.purged[hit.head])} purged`));
    const unchanged = heap.unchangedSeconds(hit.head);
    lines.push(this.line("unchanged", unchanged === Infinity ? ageText(AGE_UNKNOWN) : seconds(unchanged)));
    return lines;
  }
}
