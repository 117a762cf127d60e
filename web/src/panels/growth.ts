// What grew between the mark and the moment on display: by class, by type, by pool; the map shows the same pools.
//
// Called by main.ts; while it is in sight the map is coloured by change. Types are those of the nearest samples.
import { changesByClass, changesByType, changesByUnit, ends, inOrder, type ClassChange, type TypeChange, type UnitChange } from "../difference";
import { button, h, isInRows, refill, table } from "../dom";
import { blockBytes, clock, count, signedBytes, signedCount } from "../format";
import type { Heap } from "../heap";
import { UNITS_PER_ARENA, type Target } from "../protocol";
import type { Store } from "../store";
import type { Panel } from "./panels";

const EVERY_MS = 500;
const ROWS = 20;
const FILES: Record<Target["kind"], string> = { process: "saved page", core: "core dump", snapshot: "snapshot" };

export class GrowthPanel implements Panel {
  readonly name = "Growth";
  readonly element = h("div", "panel");
  onPool: (unit: number) => void = () => undefined;
  private isShown = false;
  private drawnMs = 0;
  private drawn: Heap | null = null;  // nothing: what to compare with is another since
  private readonly figure = h("div", "figure");
  private readonly tables = h("div", "panel-part");

  constructor(private readonly store: Store) {
    if (store.isFixed) {
      this.element.append(h("p", "hint", `A ${FILES[store.target.kind]} is of one moment only, so there is no growth to see.`));
      return;
    }
    this.element.append(this.figure, h("div", "row", button("Mark this moment", "wide", () => store.setMark(store.shown.frame), "", "m"),
                                       button("Mark the oldest", "wide", () => store.setMark(store.history.head(0).frame))), this.tables);
    store.on("figures", () => this.update());
    store.on("difference", () => {
      this.drawn = null;
      this.update();
    });
  }
  shown(): void {
    if (this.store.isFixed) return;
    this.isShown = true;
    this.store.compare(true);
  }
  hidden(): void {
    if (this.store.isFixed) return;
    this.isShown = false;
    this.store.compare(false);
  }

  private update(): void {
    if (!this.isShown) return;
    const isSoon = performance.now() - this.drawnMs < EVERY_MS && !this.store.isPaused;
    const isOther = this.store.shown !== this.drawn;
    if (!isOther && (isSoon || isInRows(this.element))) return;
    this.drawnMs = performance.now();
    this.drawn = this.store.shown;
    this.draw();
  }

  private draw(): void {
    if (!this.store.before) return;
    const [before, after] = inOrder(this.store.before, this.store.shown);
    if (!before.head || !after.head) return;
    const { geometry } = this.store.target;
    const change = after.head.layers.live - before.head.layers.live;
    this.figure.replaceChildren(h("div", "", h("b", "", signedBytes(change)), h("span", "sub", `live, from ${clock(before.timeMs)} to ${clock(after.timeMs)}`)));
    refill(this.tables, this.classes(changesByClass(before, after, geometry)), this.types(before, after), this.pools(changesByUnit(before, after, geometry)));
  }

  private section(title: string, content: HTMLElement | null): HTMLElement {
    return h("section", "", h("h2", "", title), content ?? h("p", "hint", "Nothing changed."));
  }
  private classes(changes: ClassChange[]): HTMLElement {
    const shapes = this.store.target.geometry.classes;
    return this.section("Classes", changes.length === 0 ? null : table<ClassChange>([
      { name: "class", cell: (row) => blockBytes(shapes[row.class].block_bytes) },
      { name: "blocks", cell: (row) => signedCount(row.blocks), numeric: true },
      { name: "pools", cell: (row) => (row.pools === 0 ? "" : signedCount(row.pools)), numeric: true },
      { name: "bytes", cell: (row) => signedBytes(row.bytes), numeric: true },
    ], few(changes)));
  }
  private types(before: Heap, after: Heap): HTMLElement {
    const first = this.store.typesAt(before.timeMs);
    const second = this.store.typesAt(after.timeMs);
    if (!first || !second || first === second) {
      return h("section", "", h("h2", "", "Types"), h("p", "hint", "Types are counted every ten seconds; there are no two counts near these moments yet."));
    }
    const changes = changesByType(first, second);
    return h("section", "", h("h2", "", "Types"), h("p", "hint", `As counted at ${clock(first.timeMs)} and ${clock(second.timeMs)}.`),
      changes.length === 0 ? h("p", "hint", "Nothing changed.") : table<TypeChange>([
        { name: "type", cell: (row) => row.name, wraps: true },
        { name: "blocks", cell: (row) => signedCount(row.blocks), numeric: true },
        { name: "bytes", cell: (row) => signedBytes(row.bytes), numeric: true },
      ], few(changes)));
  }
  private pools(changes: UnitChange[]): HTMLElement {
    return this.section(`Pools (${changes.length} changed)`, changes.length === 0 ? null : table<UnitChange>([
      { name: "pool", cell: (row) => `arena ${Math.floor(row.unit / UNITS_PER_ARENA)}, unit ${row.unit % UNITS_PER_ARENA}` },
      { name: "live bytes", cell: (row) => signedBytes(row.bytes), numeric: true },
    ], few(changes), (row) => this.onPool(row.unit)));
  }
}

// The most grown and the most shrunk, with a line between them that says how many are left out.
function few<Row extends { bytes: number }>(rows: Row[]): (Row | string)[] {
  const { grown, left, shrunk } = ends(rows, ROWS);
  return left === 0 ? rows : [...grown, `… ${count(left)} more`, ...shrunk];
}
