// Asks for something again and again while its panel is in sight. Called by the panels whose answers the server makes.
//
// Invariant: answers are of the live heap, so none is asked for while the map shows a moment of the past; the panel keeps
// the last one, with a line that says of when it is.
import { ApiError, type Api } from "../api";
import { h, isInRows } from "../dom";
import { clock } from "../format";
import type { Store } from "../store";

const EVERY_MS = 4000;

export class Refresh<Answer> {
  private timer = 0;
  private isOn = false;
  private isAsking = false;
  private wasPaused = false;
  private answer: Answer | null = null;
  private answeredMs = 0;  // the time of the heap it is of

  constructor(private readonly ask: () => Promise<Answer>, private readonly draw: (answer: Answer) => void,
              private readonly element: HTMLElement, private readonly store: Store, private readonly api: Api) {
    store.on("figures", () => this.followPause());
  }

  start(): void {
    this.isOn = true;
    if (this.store.isPaused) this.redraw();
    else void this.now();
  }
  stop(): void {
    this.isOn = false;
    clearTimeout(this.timer);
  }
  // The last answer again.
  redraw(): void {
    if (!this.isOn) return;
    const { isPaused } = this.store;
    if (this.answer) this.draw(this.answer);
    else if (isPaused) this.element.replaceChildren();
    if (isPaused) this.element.prepend(h("p", "notice", this.answer ? `This is of ${clock(this.answeredMs)}, and not of the moment on the map. It goes on when the map is live again.`
      : "The map shows a moment of the past, of which this is not known. Go live to see it."));
  }
  async now(): Promise<void> {
    clearTimeout(this.timer);
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      this.answer = await this.ask();
      this.answeredMs = this.store.live.timeMs;
      if (!isInRows(this.element)) this.redraw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.element.childElementCount === 0) this.element.replaceChildren(h("p", "hint", `This is not to be had: ${error.message}.`));
    } finally {
      this.isAsking = false;
    }
    if (this.isOn && this.isLive) this.timer = window.setTimeout(() => void this.now(), EVERY_MS);
  }

  private get isLive(): boolean {
    return this.store.state === "live" && !this.store.isPaused && !this.api.isStatic;
  }
  private followPause(): void {
    const { isPaused } = this.store;
    if (isPaused === this.wasPaused) return;
    this.wasPaused = isPaused;
    if (!this.isOn) return;
    clearTimeout(this.timer);
    this.redraw();
    if (!isPaused) void this.now();
  }
}
