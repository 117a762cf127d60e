// Memory over time, and the moment on display: click or drag to go back, the mark is what is compared with.
//
// Called by main.ts; listens to the store. The points are the history's (store.ts), so every point can be gone back to.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { button, h, swatch } from "./dom";
import { bytes, clock, seconds } from "./format";
import { css, mix } from "./palette";
import type { Store } from "./store";
import { onTheme, theme } from "./theme";

const HEIGHT = 112;
const SPAN_LEAST_S = 30;
const BINARY_STEPS = Array.from({ length: 44 }, (_, at) => 2 ** at);

export class Timeline {
  readonly element = h("section", "timeline");
  private readonly box = h("div", "timeline-plot");
  private readonly when = h("div", "timeline-when");
  private readonly keys = h("div", "timeline-keys");
  private readonly pauseButton: HTMLButtonElement;
  private plot: uPlot | null = null;
  private drawnMs = 0;

  constructor(private readonly store: Store) {
    this.pauseButton = button("Pause", "wide", () => store.pause(), "", "space");
    const mark = button("Mark", "wide", () => store.setMark(store.shown.frame), "compare with this moment", "m");
    const side = h("div", "timeline-side", this.when, h("div", "row",
      button("‹", "", () => store.step(-1), "one moment back", "["), this.pauseButton,
      button("›", "", () => store.step(1), "one moment forward", "]"), mark), this.keys);
    this.element.setAttribute("aria-label", "Memory over time");
    this.element.append(side, this.box);
    store.on("figures", () => this.update());
    store.on("difference", () => this.plot?.redraw(false));
    onTheme(() => this.make());
    new ResizeObserver(() => this.plot?.setSize({ width: this.box.clientWidth, height: HEIGHT })).observe(this.box);
    this.make();
  }

  private data(): uPlot.AlignedData {
    const heads = this.store.history.heads();
    return [
      heads.map((head) => head.time_ms / 1000), heads.map((head) => head.layers.resident),
      heads.map((head) => head.layers.region_resident), heads.map((head) => head.layers.live),
    ];
  }

  private make(): void {
    this.plot?.destroy();
    const colors = theme();
    const axis = { stroke: css(colors.muted), grid: { stroke: css(mix(colors.background, colors.muted, 0.3)), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const series = (label: string, color: string, fill?: string): uPlot.Series => ({
      label, stroke: color, width: 1.5, points: { show: false }, ...(fill ? { fill } : {}), value: (_, value) => (value === null ? "–" : bytes(value)),
    });
    const live = css(colors.layers.live);
    this.plot = new uPlot({
      width: Math.max(200, this.box.clientWidth), height: HEIGHT, padding: [8, 28, 0, 0],  // half of a time stands right of its line
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
      legend: { show: false },
      axes: [
        { ...axis, size: 22, space: 90, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600], values: (_, ticks) => ticks.map((tick) => clock(tick * 1000)) },
        { ...axis, size: 64, space: 24, incrs: BINARY_STEPS, values: (_, ticks) => ticks.map((tick) => bytes(tick)) },
      ],
      scales: { x: { time: true, range: (_, min, max) => [min, Math.max(max, min + SPAN_LEAST_S)] }, y: { range: (_, __, max) => [0, Math.max(1, max * 1.06)] } },
      series: [{ value: (_, value) => (value === null ? "–" : clock(value * 1000)) }, series("resident", css(colors.muted)), series("smallblock", css(colors.layers.region)),
               series("live", live, live.replace(")", " / 0.16)"))],
      hooks: { draw: [(plot) => this.marks(plot)], ready: [(plot) => this.listen(plot)] },
    }, this.data(), this.box);
  }

  private update(): void {
    const { store } = this;
    this.pauseButton.textContent = store.isPaused ? "Go live" : "Pause";
    this.pauseButton.classList.toggle("on", store.isPaused);
    const behind = (store.live.timeMs - store.shown.timeMs) / 1000;
    this.when.replaceChildren(h("b", "", clock(store.shown.timeMs)), store.isPaused ? `  ${behind < 1 ? "held" : `${seconds(behind)} back`}` : store.state === "live" ? " live" : "");
    this.drawKeys();
    if (document.hidden || (performance.now() - this.drawnMs < 200 && !store.isPaused)) return;
    this.drawnMs = performance.now();
    this.plot?.setData(this.data());
  }

  private drawKeys(): void {
    const layers = this.store.shown.head?.layers;
    const colors = theme();
    if (!layers) return;
    const key = (color: string, name: string, value: number): HTMLElement[] => [h("span", "", swatch(color), name), h("b", "", bytes(value))];
    this.keys.replaceChildren(...key(css(colors.muted), "resident", layers.resident), ...key(css(colors.layers.region), "smallblock", layers.region_resident),
                              ...key(css(colors.layers.live), "live", layers.live));
  }

  private listen(plot: uPlot): void {
    const go = (event: PointerEvent): void => {
      const { left } = plot.over.getBoundingClientRect();
      this.store.showTime(plot.posToVal(event.clientX - left, "x") * 1000);
    };
    plot.over.addEventListener("pointerdown", (event) => {
      plot.over.setPointerCapture(event.pointerId);
      go(event);
    });
    plot.over.addEventListener("pointermove", (event) => {
      if (plot.over.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  private marks(plot: uPlot): void {
    const { ctx } = plot;
    const line = (timeMs: number, color: string, dash: number[], text: string): void => {
      const x = Math.round(plot.valToPos(timeMs / 1000, "x", true)) + 0.5;
      ctx.save();
      ctx.strokeStyle = color;
      ctx.fillStyle = color;
      ctx.lineWidth = devicePixelRatio * 1.5;
      ctx.setLineDash(dash);
      ctx.beginPath();
      ctx.moveTo(x, plot.bbox.top);
      ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
      ctx.stroke();
      ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textBaseline = "top";
      const isAtEnd = x > plot.bbox.left + plot.bbox.width - 60 * devicePixelRatio;
      ctx.textAlign = isAtEnd ? "right" : "left";
      ctx.strokeStyle = css(theme().background);  // lines pass behind the word
      ctx.lineWidth = devicePixelRatio * 4;
      ctx.setLineDash([]);
      ctx.strokeText(text, x + (isAtEnd ? -5 : 5), plot.bbox.top);
      ctx.fillText(text, x + (isAtEnd ? -5 : 5), plot.bbox.top);
      ctx.restore();
    };
    const index = this.store.mark === null ? -1 : this.store.history.indexOfFrame(this.store.mark);
    if (index > 0 || (index === 0 && this.store.isComparing)) line(this.store.history.head(index).time_ms, css(theme().grown), [4, 4], "mark");
    if (this.store.isPaused) line(this.store.shown.timeMs, css(theme().text), [], "shown");
  }
}
