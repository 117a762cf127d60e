// Which part of the map is on the screen, and how it moves there.
//
// Called by map_view.ts, once a frame while it moves. Measures: world in units (layout.ts), screen in CSS pixels.
// Invariant: the scale stays between "twice the whole map" and "one block fills the screen", and the map in sight.
import type { Rect } from "./layout";

const SCALE_MAX = 6000;  // pixels a unit
const FLIGHT_MS = 320;

interface Flight { fromX: number; fromY: number; fromScale: number; toX: number; toY: number; toScale: number; startMs: number }

export class Camera {
  x = 0;
  y = 0;
  scale = 10;
  width = 1;
  height = 1;
  private bounds: Rect = { x: 0, y: 0, width: 8, height: 8 };
  private flight: Flight | null = null;

  setBounds(bounds: Rect): void {
    this.bounds = bounds;
  }
  resize(width: number, height: number): void {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
  }

  toWorld(screenX: number, screenY: number): { x: number; y: number } {
    return { x: this.x + (screenX - this.width / 2) / this.scale, y: this.y + (screenY - this.height / 2) / this.scale };
  }
  toScreen(x: number, y: number): { x: number; y: number } {
    return { x: (x - this.x) * this.scale + this.width / 2, y: (y - this.y) * this.scale + this.height / 2 };
  }
  visible(): Rect {
    const corner = this.toWorld(0, 0);
    return { x: corner.x, y: corner.y, width: this.width / this.scale, height: this.height / this.scale };
  }

  pan(screenX: number, screenY: number): void {
    this.flight = null;
    this.x += screenX / this.scale;
    this.y += screenY / this.scale;
    this.keepInSight();
  }
  // Keeps what is under that point of the screen there.
  zoom(factor: number, screenX = this.width / 2, screenY = this.height / 2): void {
    this.flight = null;
    const anchor = this.toWorld(screenX, screenY);
    this.scale = Math.min(SCALE_MAX, Math.max(this.fitScale(this.bounds, 1) / 2, this.scale * factor));
    this.x = anchor.x - (screenX - this.width / 2) / this.scale;
    this.y = anchor.y - (screenY - this.height / 2) / this.scale;
    this.keepInSight();
  }
  fitScale(rect: Rect, margin: number): number {
    return Math.min(SCALE_MAX, this.width / (rect.width * margin), this.height / (rect.height * margin));
  }
  fit(rect: Rect, margin = 1.05): void {
    this.flight = null;
    this.x = rect.x + rect.width / 2;
    this.y = rect.y + rect.height / 2;
    this.scale = this.fitScale(rect, margin);
  }
  flyTo(rect: Rect, margin: number, nowMs: number): void {
    this.flight = {
      fromX: this.x, fromY: this.y, fromScale: this.scale, toX: rect.x + rect.width / 2, toY: rect.y + rect.height / 2,
      toScale: this.fitScale(rect, margin), startMs: nowMs,
    };
  }
  // Moves along; gives true while there is more to come.
  advance(nowMs: number): boolean {
    const flight = this.flight;
    if (!flight) return false;
    const share = Math.min(1, Math.max(0, (nowMs - flight.startMs) / FLIGHT_MS));
    const eased = 1 - (1 - share) ** 3;
    // Position follows the scale, so that the end point stays still on the way in.
    this.scale = flight.fromScale * (flight.toScale / flight.fromScale) ** eased;
    const near = flight.fromScale === flight.toScale ? eased
      : (1 / flight.fromScale - 1 / this.scale) / (1 / flight.fromScale - 1 / flight.toScale);
    this.x = flight.fromX + (flight.toX - flight.fromX) * near;
    this.y = flight.fromY + (flight.toY - flight.fromY) * near;
    if (share < 1) return true;
    this.flight = null;
    return false;
  }

  private keepInSight(): void {
    this.x = Math.min(this.bounds.x + this.bounds.width, Math.max(this.bounds.x, this.x));
    this.y = Math.min(this.bounds.y + this.bounds.height, Math.max(this.bounds.y, this.y));
  }
}
