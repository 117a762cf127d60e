// Which class wastes most, and what a trim would give back; with the button that asks for one, if that is allowed. Called by main.ts.
import type { Api } from "../api";
import { bar, button, h, refill, swatch, table } from "../dom";
import { blockBytes, bytes } from "../format";
import { css } from "../palette";
import type { Waste, WasteClass } from "../protocol";
import type { Store } from "../store";
import { onTheme, theme } from "../theme";
import type { Panel } from "./panels";
import { Refresh } from "./refresh";

const wasted = (row: WasteClass): number => row.free_bytes + row.tail_bytes + row.cached_bytes;

const PARTS = [["live", "live"], ["cached", "magazines"], ["free", "free"], ["tail", "ends of pools"]] as const;

export class WastePanel implements Panel {
  readonly name = "Waste";
  readonly element = h("div", "panel");
  private readonly refresh: Refresh<Waste>;
  private said = "";

  constructor(private readonly api: Api, private readonly store: Store) {
    this.refresh = new Refresh(() => api.waste(), (answer) => this.draw(answer), this.element, store, api);
    onTheme(() => this.refresh.redraw());
  }
  shown(): void {
    this.refresh.start();
  }
  hidden(): void {
    this.refresh.stop();
    this.said = "";
  }

  private async trim(): Promise<void> {
    try {
      await this.api.trim();
      this.said = "Asked: the program trims when it next frees or allocates.";
    } catch (error) {
      this.said = `It could not be asked: ${(error as Error).message}.`;
    }
    await this.refresh.now();
  }

  private draw(answer: Waste): void {
    const rows = [...answer.classes].sort((one, other) => wasted(other) - wasted(one)).slice(0, 24);
    const most = Math.max(1, ...rows.map((row) => wasted(row) + row.live_bytes));
    const { layers } = theme();
    const isLive = this.store.state === "live" && !this.store.isPaused && !this.store.isFixed;
    const mayTrim = this.store.target.actions;
    const trim = mayTrim && isLive ? button("Trim now", "wide", () => void this.trim(), "Ask the program to give back what it can") : null;
    refill(this.element,
      h("div", "figure", h("div", "", h("b", "", bytes(answer.trim_returns_bytes)), h("span", "sub", isLive ? "a trim would give back now" : "a trim would have given back then")), trim),
      this.said !== "" ? h("p", "hint", this.said) : "",
      !mayTrim && isLive ? h("p", "hint", "Start the view with --allow-actions to trim from here.") : "",
      h("section", "", h("h2", "", "Classes by what they waste"), h("p", "hint", "Memory of pools that no block of the program fills: free blocks, blocks in magazines, ends of pools that are too short for a block."),
        h("p", "panel-legend", ...PARTS.map(([layer, name]) => h("span", "legend-key", swatch(css(layers[layer])), name))),
        table<WasteClass>([
          { name: "class", cell: (row) => blockBytes(row.block_bytes) },
          { name: "wasted", cell: (row) => bytes(wasted(row)), numeric: true },
          { name: "live", cell: (row) => bytes(row.live_bytes), numeric: true },
          { name: "parts", cell: (row) => bar([
            [row.live_bytes / most, css(layers.live), `live ${bytes(row.live_bytes)}`], [row.cached_bytes / most, css(layers.cached), `in magazines ${bytes(row.cached_bytes)}`],
            [row.free_bytes / most, css(layers.free), `free ${bytes(row.free_bytes)}`], [row.tail_bytes / most, css(layers.tail), `ends of pools ${bytes(row.tail_bytes)}`]]) },
        ], rows)));
  }
}
