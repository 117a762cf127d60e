// Asks for something again and again while its panel is in sight. Called by the panels whose answers the server makes.
import { ApiError } from "../api";
import { h } from "../dom";

const EVERY_MS = 4000;

export class Refresh<Answer> {
  private timer = 0;
  private isOn = false;
  private isAsking = false;
  private answer: Answer | null = null;

  constructor(private readonly ask: () => Promise<Answer>, private readonly draw: (answer: Answer) => void,
              private readonly element: HTMLElement, private readonly isLive: () => boolean) {}

  start(): void {
    this.isOn = true;
    void this.now();
  }
  stop(): void {
    this.isOn = false;
    clearTimeout(this.timer);
  }
  // The last answer again.
  redraw(): void {
    if (this.isOn && this.answer) this.draw(this.answer);
  }
  async now(): Promise<void> {
    clearTimeout(this.timer);
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      this.answer = await this.ask();
      if (!this.isReading()) this.draw(this.answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.element.childElementCount === 0) this.element.replaceChildren(h("p", "hint", `This is not to be had: ${error.message}.`));
    } finally {
      this.isAsking = false;
    }
    if (this.isOn && this.isLive()) this.timer = window.setTimeout(() => void this.now(), EVERY_MS);
  }
  // Somebody who moves through the rows with the keyboard must not lose his place.
  private isReading(): boolean {
    return this.element.contains(document.activeElement) && document.activeElement?.tagName === "TR";
  }
}
