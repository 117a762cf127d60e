// What lies over the map's colours: outlines of what is pinned or found, numbers of arenas, names in large blocks.
//
// Called by map_view.ts after each picture of the map. Draws on a canvas of its own; the work is bounded by what is
// large enough to be read, so it does not grow with the heap.
import type { BlockCache } from "../blocks";
import { blockBytes, lastPart } from "../format";
import type { Heap } from "../heap";
import { css, type Theme } from "../palette";
import { BlockState, STATE_NAMES, UNITS_PER_ARENA } from "../protocol";
import type { Place } from "../store";
import type { Camera } from "./camera";
import { ARENA_PITCH, type MapLayout, type Rect } from "./layout";

const ARENA_TEXT_FROM = 8.5;   // pixels a unit
const POOL_TEXT_FROM = 110;
const BLOCK_TEXT_FROM = 56;   // pixels a block

export interface Marks { pinned: Place | null; hovered: { head: number; classIndex: number; block: number } | null; found: Place[]; pools: number[] }

export class Overlay {
  private readonly context: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly layout: MapLayout, private readonly blocks: BlockCache) {
    this.context = canvas.getContext("2d")!;
  }

  draw(camera: Camera, heap: Heap, theme: Theme, marks: Marks, ratio: number): void {
    const { canvas, context } = this;
    const width = Math.round(camera.width * ratio);
    const height = Math.round(camera.height * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, camera.width, camera.height);
    if (camera.scale >= ARENA_TEXT_FROM) this.arenas(camera, heap, theme);
    if (camera.scale >= POOL_TEXT_FROM / 4) this.blocksInSight(camera, heap, theme);
    for (const head of marks.pools) {
      if (heap.isHead(head)) this.outline(camera, this.layout.poolRect(head, heap.classes[head]), css(theme.layers.cached), 2);
    }
    for (const place of marks.found) this.place(camera, heap, place, css(theme.grown), 2);
    const hovered = marks.hovered;
    if (hovered && hovered.head >= 0) {
      this.outline(camera, this.layout.poolRect(hovered.head, hovered.classIndex), css(theme.muted), 1);
      if (hovered.block >= 0) this.outline(camera, this.layout.blockRect(hovered.head, hovered.classIndex, hovered.block), css(theme.accent), 1.5);
    }
    if (marks.pinned) this.place(camera, heap, marks.pinned, css(theme.accent), 2.5);
  }

  private place(camera: Camera, heap: Heap, place: Place, color: string, line: number): void {
    const classIndex = heap.classes[place.unit];
    if (!heap.isHead(place.unit) || classIndex === 0) return;
    const rect = this.layout.blockRect(place.unit, classIndex, place.block);
    const center = camera.toScreen(rect.x + rect.width / 2, rect.y + rect.height / 2);
    if (Math.max(rect.width, rect.height) * camera.scale < 9) {  // too small to see: a ring around it
      this.context.lineWidth = line;
      this.context.strokeStyle = color;
      this.context.beginPath();
      this.context.arc(center.x, center.y, 8, 0, 2 * Math.PI);
      this.context.stroke();
      return;
    }
    this.outline(camera, rect, color, line);
  }

  private outline(camera: Camera, rect: Rect, color: string, line: number): void {
    const corner = camera.toScreen(rect.x, rect.y);
    this.context.lineWidth = line;
    this.context.strokeStyle = color;
    this.context.strokeRect(corner.x, corner.y, Math.max(3, rect.width * camera.scale), Math.max(3, rect.height * camera.scale));
  }

  private arenas(camera: Camera, heap: Heap, theme: Theme): void {
    const { context } = this;
    const visible = camera.visible();
    // Within the gap of one unit above the arena. Nothing in them reaches below the line they stand on.
    const size = camera.scale >= 12 ? 11 : 9;
    const above = Math.min(4, (camera.scale - size * 0.75) / 2);
    context.font = `500 ${size}px system-ui, sans-serif`;
    context.fillStyle = css(theme.muted);
    context.textBaseline = "alphabetic";
    context.textAlign = "left";
    const lastColumn = Math.min(this.layout.columns - 1, Math.floor((visible.x + visible.width) / ARENA_PITCH));
    for (let row = Math.max(0, Math.floor(visible.y / ARENA_PITCH)); row * ARENA_PITCH <= visible.y + visible.height; row += 1) {
      for (let column = Math.max(0, Math.floor(visible.x / ARENA_PITCH)); column <= lastColumn; column += 1) {
        const arena = row * this.layout.columns + column;
        if (arena * UNITS_PER_ARENA >= heap.unitCount) return;
        const at = camera.toScreen(column * ARENA_PITCH, row * ARENA_PITCH);
        context.fillText(camera.scale >= 12 ? `arena ${arena}` : String(arena), at.x + 1, at.y - above);
      }
    }
  }

  private blocksInSight(camera: Camera, heap: Heap, theme: Theme): void {
    const visible = camera.visible();
    for (let y = Math.floor(visible.y); y <= visible.y + visible.height; y += 1) {
      for (let x = Math.floor(visible.x); x <= visible.x + visible.width; x += 1) {
        const hit = this.layout.hit(x + 0.001, y + 0.001, heap);
        if (!hit || hit.head !== hit.unit) {
          // A long pool that begins outside: its first visible unit stands for it.
          if (!hit || hit.head < 0 || x > visible.x) continue;
        }
        this.namesIn(camera, heap, theme, hit.head, hit.classIndex);
      }
    }
  }

  private namesIn(camera: Camera, heap: Heap, theme: Theme, head: number, classIndex: number): void {
    const grid = this.layout.grids[classIndex];
    const width = (grid.width * camera.scale) / grid.columns;
    const height = (grid.height * camera.scale) / grid.rows;
    if (width < BLOCK_TEXT_FROM || height < 22) return;
    const visible = camera.visible();
    const pool = this.layout.poolRect(head, classIndex);
    const low = (from: number, at: number, size: number, cells: number): number => Math.max(0, Math.floor(((from - at) / size) * cells));
    const context = this.context;
    context.textBaseline = "middle";
    context.textAlign = "center";
    const size = Math.min(15, Math.max(10, height / 4));
    const endRow = Math.min(grid.rows, low(visible.y + visible.height, pool.y, pool.height, grid.rows) + 1);
    const endColumn = Math.min(grid.columns, low(visible.x + visible.width, pool.x, pool.width, grid.columns) + 1);
    for (let row = low(visible.y, pool.y, pool.height, grid.rows); row < endRow; row += 1) {
      for (let column = low(visible.x, pool.x, pool.width, grid.columns); column < endColumn; column += 1) {
        const block = row * grid.columns + column;
        if (block >= grid.capacity) return;
        const known = this.blocks.known(head, block, heap);
        if (!known) return;
        const part = partInSight(this.layout.blockRect(head, classIndex, block), camera);
        if (part.height < size) continue;
        const isLive = known.state === BlockState.Live;
        const whole = isLive ? (known.type ?? blockBytes(this.layout.geometry.classes[classIndex].block_bytes)) : STATE_NAMES[known.state];
        context.font = `${isLive ? 600 : 400} ${size}px system-ui, sans-serif`;
        context.lineWidth = 3;
        context.strokeStyle = css(theme.arena);
        context.fillStyle = css(isLive ? theme.text : theme.muted);
        const text = fitting(whole, known.type !== null && isLive, part.width - 8, (each) => context.measureText(each).width);
        context.strokeText(text, part.x + part.width / 2, part.y + part.height / 2);
        context.fillText(text, part.x + part.width / 2, part.y + part.height / 2);
      }
    }
  }
}

// As much of it as has room, which may be nothing. Of a name the last part, which tells more than where it is from.
function fitting(text: string, isName: boolean, room: number, widthOf: (text: string) => number): string {
  if (widthOf(text) <= room) return text;
  const short = isName ? lastPart(text) : text;
  const width = widthOf(short);
  if (width <= room) return short;
  for (let letters = Math.ceil((short.length * room) / width); letters >= 3; letters -= 1) {
    const cut = `${short.slice(0, letters)}…`;
    if (widthOf(cut) <= room) return cut;
  }
  return "";
}

// What is in sight of it, on the screen.
function partInSight(rect: Rect, camera: Camera): Rect {
  const low = camera.toScreen(rect.x, rect.y);
  const high = camera.toScreen(rect.x + rect.width, rect.y + rect.height);
  const [x, y] = [Math.max(0, low.x), Math.max(0, low.y)];
  return { x, y, width: Math.min(camera.width, high.x) - x, height: Math.min(camera.height, high.y) - y };
}
