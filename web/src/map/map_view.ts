// The map in the page: canvases, mouse, what is asked for, and when it is drawn.
//
// Called by main.ts and keyboard.ts (move, zoom, pin). Invariant: input only notes what is wished; all work is done once
// a frame, and none when nothing changed.
import { h } from "../dom";
import type { BlockCache } from "../blocks";
import type { Place, Store } from "../store";
import { onTheme, theme } from "../theme";
import { Camera } from "./camera";
import { ARENA_PITCH, type Hit, type MapLayout, type Rect } from "./layout";
import { Overlay, type Marks } from "./overlay";
import { Renderer } from "./renderer";
import { UnitTexture } from "./unit_texture";

const DETAIL_FROM = 16;        // pixels a unit: from here on single blocks are asked for
const POOLS_ASKED_MAX = 4096;
const ASK_EVERY_MS = 120;
const RATIO_MAX = 2;
const CLICK_MOVES_MAX = 4;     // pixels
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

export class MapView {
  readonly element = h("div", "map");
  readonly camera = new Camera();
  readonly marks: Marks = { pinned: null, hovered: null, found: [], pools: [] };
  onHover: (hit: Hit | null, x: number, y: number) => void = () => undefined;
  onPick: (hit: Hit | null) => void = () => undefined;
  private readonly units: UnitTexture;
  private renderer: Renderer | null;
  private readonly lost = h("div", "empty-note map-lost");
  private readonly overlay: Overlay;
  private isDirty = false;
  private isArranged = false;
  private isMoved = false;  // by somebody: before that the whole map stays in sight
  private arrangedUnits = 0;
  private askedMs = 0;

  constructor(private readonly store: Store, private readonly layout: MapLayout, private readonly blocks: BlockCache) {
    const canvas = h("canvas", "map-canvas");
    const top = h("canvas", "map-overlay");
    top.tabIndex = 0;
    top.setAttribute("role", "application");
    top.setAttribute("aria-label", "Map of the heap: arenas, their pools and blocks. Arrow keys move, + and - zoom, ? shows all keys.");
    this.lost.hidden = true;
    this.lost.setAttribute("role", "status");
    this.element.append(canvas, top, this.lost);
    this.units = new UnitTexture(layout.geometry, blocks);
    this.renderer = this.rendererOn(canvas, "The map cannot be drawn", "All else on this page goes on.");
    this.overlay = new Overlay(top, layout, blocks);
    this.listen(top);
    this.outlive(canvas);
    blocks.onChange((heads) => this.changed(heads));
    store.on("shown", (units) => this.changed(units));
    store.on("mode", () => this.changed(null));
    store.on("difference", () => this.changed(null));
    store.on("selection", (place) => {
      this.marks.pinned = place;
      this.redraw();
    });
    onTheme(() => {
      this.renderer?.setTheme(theme());
      this.redraw();
    });
    new ResizeObserver(() => this.resize()).observe(this.element);
    setInterval(() => this.tick(), 500);
  }

  fit(flying = true): void {
    const { x, y, width, height } = this.layout.bounds(this.store.shown.unitCount);
    const whole = { x, y: y - 1, width, height: height + 1 };  // numbers of arenas stand above them
    if (flying) return this.fly(whole, 1.06);
    this.camera.fit(whole, 1.06);
    this.redraw();
  }
  pan(x: number, y: number): void {
    this.moved();
    this.camera.pan(x, y);
  }
  zoom(factor: number): void {
    this.moved();
    this.camera.zoom(factor);
  }
  // Flies to a block, so that its neighbours are in sight too.
  showBlock(place: Place): void {
    const heap = this.store.shown;
    if (!heap.isHead(place.unit)) return;
    const rect = this.layout.blockRect(place.unit, heap.classes[place.unit], place.block);
    this.isMoved = true;
    this.fly(rect, Math.min(marginFor(rect.width), 7));
  }
  showPool(head: number): void {
    this.isMoved = true;
    this.fly(this.layout.poolRect(head, this.store.shown.classes[head]), 1.6);
  }
  showArena(arena: number): void {
    this.isMoved = true;
    this.fly(this.layout.arenaRect(arena), 1.15);
  }
  hitAt(x: number, y: number): Hit | null {
    const world = this.camera.toWorld(x, y);
    return this.layout.hit(world.x, world.y, this.store.shown);
  }
  hitAtCenter(): Hit | null {
    return this.hitAt(this.camera.width / 2, this.camera.height / 2);
  }

  redraw(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    requestAnimationFrame((nowMs) => this.draw(nowMs));
  }

  private fly(rect: Rect, margin: number): void {
    if (STILL.matches) {
      this.camera.fit(rect, margin);
    } else {
      this.element.setAttribute("aria-busy", "true");
      this.camera.flyTo(rect, margin, performance.now());
    }
    this.hover(null, 0, 0);
  }
  // What was under the mouse is no longer there.
  private moved(): void {
    this.isMoved = true;
    this.hover(null, 0, 0);
  }
  private changed(units: Uint32Array | number[] | null): void {
    const heap = this.store.shown;
    const isOther = this.units.resize(heap.unitCount);
    if (units?.length === 0 && !isOther) return;
    this.units.update(heap, this.store.before, isOther ? null : units);
    // Another order of arenas would confuse: only when there are many more of them, or before the first picture.
    if (!this.isArranged || heap.unitCount > this.arrangedUnits * 2.5 || (!this.isMoved && heap.unitCount !== this.arrangedUnits)) this.arrange();
    this.camera.setBounds(this.layout.bounds(heap.unitCount));
    this.redraw();
  }
  private arrange(): void {
    const { unitCount } = this.store.shown;
    if (unitCount === 0 || this.camera.width <= 1) return;
    this.isArranged = true;
    this.arrangedUnits = unitCount;
    this.layout.arrange(unitCount, this.camera.width / this.camera.height);
    this.camera.setBounds(this.layout.bounds(unitCount));
    this.fit(false);
  }
  private resize(): void {
    this.camera.resize(this.element.clientWidth, this.element.clientHeight);
    if (!this.isMoved) this.arrange();
    this.redraw();
  }

  private draw(nowMs: number): void {
    this.isDirty = false;
    const isFlying = this.camera.advance(nowMs);
    const heap = this.store.shown;
    const ratio = Math.min(RATIO_MAX, window.devicePixelRatio || 1);
    this.renderer?.draw(this.camera, heap.unitCount, this.store.mode, this.store.before !== null, ratio);
    this.overlay.draw(this.camera, heap, theme(), this.marks, ratio);
    this.ask(performance.now());
    this.element.setAttribute("aria-busy", String(isFlying));
    if (isFlying) this.redraw();
  }
  // Time goes on without input: ages grow, and what came too late is asked for again.
  private tick(): void {
    if (document.hidden) return;
    if (this.store.mode === "age" && !this.store.isPaused && this.store.state === "live") this.changed(null);
    else this.ask(performance.now());
  }

  private ask(nowMs: number): void {
    const detail = this.camera.scale >= DETAIL_FROM;
    if (nowMs - this.askedMs < ASK_EVERY_MS || (!detail && this.store.mode !== "type")) return;
    this.askedMs = nowMs;
    this.blocks.want(this.headsInSight(), detail, nowMs);
  }
  private headsInSight(): number[] {
    const { layout, store } = this;
    const visible = this.camera.visible();
    const heads = new Set<number>();
    const endX = Math.min(visible.x + visible.width, layout.columns * ARENA_PITCH);
    const endY = Math.min(visible.y + visible.height, layout.bounds(store.live.unitCount).height);
    for (let y = Math.max(0, Math.floor(visible.y)); y < endY; y += 1) {
      for (let x = Math.max(0, Math.floor(visible.x)); x < endX; x += 1) {
        const unit = layout.unitAt(x + 0.5, y + 0.5, store.live.unitCount);
        const head = unit < 0 ? -1 : store.live.headOf(unit, layout.geometry);
        if (head >= 0) heads.add(head);
        if (heads.size >= POOLS_ASKED_MAX && this.camera.scale >= DETAIL_FROM) return [...heads];
      }
    }
    return [...heads];
  }

  // In the place of the map.
  private say(title: string, text: string): void {
    this.lost.hidden = false;
    this.lost.replaceChildren(h("h2", "", title), h("p", "", text));
  }
  // Nothing where the browser cannot draw it, which is said then.
  private rendererOn(canvas: HTMLCanvasElement, title: string, hint: string): Renderer | null {
    try {
      return new Renderer(canvas, this.layout, this.units, this.blocks, theme());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.say(title, `${why.charAt(0).toUpperCase()}${why.slice(1)}. ${hint}`);
      return null;
    }
  }
  // A reset driver or a sleeping machine takes all that the graphics card had; with its return it is all sent again.
  private outlive(canvas: HTMLCanvasElement): void {
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();  // else it never comes back
      this.renderer = null;
      this.say("The map waits for the graphics card", "The browser lost its drawing. The map returns with it; all else on this page goes on.");
    });
    canvas.addEventListener("webglcontextrestored", () => {
      this.renderer = this.rendererOn(canvas, "The map cannot be drawn any more", "Loading this page again may help.");
      if (!this.renderer) return;
      this.lost.hidden = true;
      this.redraw();
    });
  }

  private listen(surface: HTMLCanvasElement): void {
    let drag: { x: number; y: number; moved: number } | null = null;
    surface.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      drag = { x: event.clientX, y: event.clientY, moved: 0 };
      surface.setPointerCapture(event.pointerId);
    });
    surface.addEventListener("pointermove", (event) => {
      if (drag) {
        const x = event.clientX - drag.x;
        const y = event.clientY - drag.y;
        drag = { x: event.clientX, y: event.clientY, moved: drag.moved + Math.abs(x) + Math.abs(y) };
        if (drag.moved > CLICK_MOVES_MAX) {
          surface.classList.add("dragging");
          this.hover(null, 0, 0);
          this.pan(-x, -y);
        }
        return;
      }
      this.hover(this.hitAt(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
    });
    surface.addEventListener("pointerup", (event) => {
      const wasClick = drag !== null && drag.moved <= CLICK_MOVES_MAX;
      drag = null;
      surface.classList.remove("dragging");
      if (wasClick) this.onPick(this.hitAt(event.offsetX, event.offsetY));
    });
    surface.addEventListener("pointerleave", () => this.hover(null, 0, 0));
    surface.addEventListener("dblclick", (event) => {
      const hit = this.hitAt(event.offsetX, event.offsetY);
      if (hit && hit.head >= 0) this.showPool(hit.head);
    });
    surface.addEventListener("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
      const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0022));
      this.isMoved = true;
      this.camera.zoom(factor, event.offsetX, event.offsetY);
      this.hover(this.hitAt(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
    }, { passive: false });
  }
  private hover(hit: Hit | null, x: number, y: number): void {
    this.marks.hovered = hit;
    this.onHover(hit, x, y);
    this.redraw();
  }
}

// Small blocks are shown among many neighbours, large ones among few.
function marginFor(blockWidth: number): number {
  return Math.max(3, 0.6 / blockWidth);
}
