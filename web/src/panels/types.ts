// Live blocks by type, as last counted. Called by main.ts; a click searches for the type.
import type { Api } from "../api";
import { h, isInRows, refill, swatch, table } from "../dom";
import { bytes, clock, count } from "../format";
import { css } from "../palette";
import type { TypeSum } from "../protocol";
import type { Store } from "../store";
import { onTheme, theme } from "../theme";
import type { TypesSample } from "../type_samples";
import type { TypesPalette } from "../types_palette";
import type { Panel } from "./panels";

const ROWS = 100;

export class TypesPanel implements Panel {
  readonly name = "Types";
  readonly element = h("div", "panel");
  onType: (name: string) => void = () => undefined;
  private isShown = false;
  private drawn: TypesSample | null = null;

  constructor(private readonly api: Api, private readonly store: Store, private readonly palette: TypesPalette) {
    store.on("types", () => this.follow());
    store.on("figures", () => this.follow());
    onTheme(() => this.draw());
  }
  shown(): void {
    this.isShown = true;
    this.draw();
  }
  hidden(): void {
    this.isShown = false;
  }

  // Somebody may move through the rows, which a newer count would mix; but who goes to another moment wants to see that.
  private follow(): void {
    const isOther = this.store.typesAt(this.store.shown.timeMs) !== this.drawn;
    if (isOther && (this.store.isPaused || !isInRows(this.element))) this.draw();
  }
  private draw(): void {
    if (!this.isShown) return;
    const sample = this.drawn = this.store.typesAt(this.store.shown.timeMs);
    if (!sample) {
      this.element.replaceChildren(h("p", "hint", "The live blocks are being counted by type."));
      return;
    }
    const colors = theme().types;
    const all = sample.types.length + sample.rest.types;
    const search = this.api.isStatic ? undefined : (row: TypeSum): void => this.onType(row.name);
    const why = this.store.target.why_no_types;
    refill(this.element,
      why ? h("p", "notice", `${why[0].toUpperCase()}${why.slice(1)}.`) : "",
      h("p", "hint", `Live blocks by the type of their object, at ${clock(sample.timeMs)}.${all > ROWS ? ` The first ${ROWS} of ${count(all)}.` : ""}`),
      table<TypeSum>([
        { name: "type", cell: (row) => h("span", "", swatch(css(colors[this.palette.slotOf(row.name)])), row.name), wraps: true },
        { name: "blocks", cell: (row) => count(row.blocks), numeric: true },
        { name: "bytes", cell: (row) => bytes(row.bytes), numeric: true },
      ], sample.types.slice(0, ROWS), search));
  }
}
