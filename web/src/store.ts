// What the page knows and shows: the target, the live heap, its past, the moment on display, and the marks on it.
//
// Called by feed.ts with every frame, by keyboard and mouse with wishes; everything that draws listens here. Invariant:
// `shown` is the live heap unless `moment` says a frame of the past; then it is that frame's heap, and does not change.
import { Emitter } from "./emitter";
import { Heap } from "./heap";
import { History } from "./history";
import type { Frame, Target, TargetState, TypeSum } from "./protocol";
import { TypeSamples, type TypesSample } from "./type_samples";

export const COLOR_MODES = ["class", "state", "age", "type"] as const;
export type ColorMode = (typeof COLOR_MODES)[number];
export type Connection = "ok" | "gone";
export interface Place { address: number; unit: number; block: number }

export interface Events {
  // The heap on display changed: these units of it, or (null) possibly all.
  shown: Uint32Array | null;
  // Something came or the moment moved: times, figures, the state of the target.
  figures: null;
  mode: ColorMode;
  // What is pinned, or under search: outlines.
  selection: Place | null;
  difference: null;
  types: TypesSample;
  connection: Connection;
}

export class Store extends Emitter<Events> {
  readonly live = new Heap();
  readonly history = new History();
  private readonly typeSamples = new TypeSamples();
  shown = this.live;
  moment: number | null = null;  // frame number on display; null: the newest
  mark: number | null = null;    // frame number to compare with
  isComparing = false;
  before: Heap | null = null;    // the heap at the mark, while comparing
  mode: ColorMode = "class";
  selection: Place | null = null;
  connection: Connection = "ok";

  // isFixed: one frame is all there will be, as of a snapshot or a saved page.
  constructor(readonly target: Target, readonly isFixed = false) {
    super();
  }

  get state(): TargetState {
    return this.live.head?.state ?? "live";
  }
  get isPaused(): boolean {
    return this.moment !== null;
  }

  receive(frame: Frame): void {
    const isNews = this.live.frame !== frame.head.frame || frame.head.since === 0;
    if (frame.head.since === 0 && this.live.frame > frame.head.frame) this.goLive();  // another server: its frames begin again
    const changed = isNews ? this.live.apply(frame) : new Uint32Array(0);
    if (isNews) this.history.add(frame, this.live);
    else if (this.live.head) this.live.head = { ...this.live.head, state: frame.head.state };
    if (this.mark === null || this.history.indexOfFrame(this.mark) < 0) this.setMark(this.history.head(0).frame);
    if (this.moment === null && isNews) this.emit("shown", changed);
    this.emit("figures", null);
  }

  // A program that ended before this page was opened has one moment, like a file.
  private get hasOneMoment(): boolean {
    return this.isFixed || (this.state !== "live" && this.history.length < 2);
  }
  pause(): void {
    if (this.hasOneMoment) return;
    if (this.isPaused) this.goLive();
    else this.show(this.live.frame);
  }
  goLive(): void {
    this.moment = null;
    this.shown = this.live;
    this.emit("shown", null);
    this.emit("figures", null);
  }
  // Shows a frame of the past.
  show(frame: number): void {
    const index = this.history.indexOfFrame(frame);
    if (index < 0) return;
    this.moment = frame;
    this.shown = this.history.heapAt(index);
    this.emit("shown", null);
    this.emit("figures", null);
  }
  showTime(timeMs: number): void {
    const index = this.history.indexAt(timeMs);
    if (index < 0) return;
    if (index === this.history.length - 1) this.goLive();
    else this.show(this.history.head(index).frame);
  }
  // Moments back (negative) or forward.
  step(by: number): void {
    if (this.hasOneMoment) return;
    const here = this.moment === null ? this.history.length - 1 : this.history.indexOfFrame(this.moment);
    const index = Math.max(0, here + by);
    if (index >= this.history.length - 1 && by > 0) this.goLive();
    else if (this.history.length > 0) this.show(this.history.head(Math.min(index, this.history.length - 1)).frame);
  }

  setMark(frame: number): void {
    this.mark = frame;
    if (this.isComparing) this.before = this.heapAtMark();
    this.emit("difference", null);
  }
  compare(on: boolean): void {
    this.isComparing = on;
    this.before = on ? this.heapAtMark() : null;
    this.emit("difference", null);
  }

  setMode(mode: ColorMode): void {
    this.mode = mode;
    this.emit("mode", mode);
  }
  select(place: Place | null): void {
    this.selection = place;
    this.emit("selection", place);
  }
  setConnection(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    this.emit("connection", connection);
  }
  // As counted in that frame, most bytes first. A frame that is not known (any more) counts as the newest.
  addTypes(frame: number, types: TypeSum[]): void {
    const index = this.history.indexOfFrame(frame);
    const timeMs = index < 0 ? this.live.timeMs : this.history.head(index).time_ms;
    this.emit("types", this.typeSamples.add(timeMs, types));
  }
  // The sample that is nearest to a time; nothing if there is none.
  typesAt(timeMs: number): TypesSample | null {
    return this.typeSamples.at(timeMs);
  }

  private heapAtMark(): Heap | null {
    const index = this.mark === null ? -1 : this.history.indexOfFrame(this.mark);
    return index < 0 ? null : this.history.heapAt(index);
  }
}
