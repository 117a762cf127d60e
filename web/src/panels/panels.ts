// The pane on the right: one panel at a time, chosen by tabs. Called by main.ts and keyboard.ts.
//
// Invariant: a panel is told when it comes into sight and when it leaves, so that hidden panels ask the server nothing.
import { h } from "../dom";

export interface Panel {
  readonly name: string;
  readonly element: HTMLElement;
  shown(): void;
  hidden(): void;
}

const BODY_ID = "panel";

export class Panels {
  readonly element = h("aside", "panels");
  private readonly tabs: HTMLButtonElement[];
  private readonly body = h("div", "panel-body");
  private active = -1;

  constructor(private readonly panels: Panel[]) {
    const bar = h("div", "tabs");
    bar.setAttribute("role", "tablist");
    this.tabs = panels.map((panel, index) => {
      const tab = h("button", "tab", panel.name);
      tab.type = "button";
      tab.setAttribute("role", "tab");
      tab.title = `(key: ${index + 1})`;
      tab.id = `tab-${panel.name.toLowerCase()}`;
      tab.setAttribute("aria-controls", BODY_ID);
      tab.addEventListener("click", () => this.show(index));
      return tab;
    });
    bar.append(...this.tabs);
    bar.addEventListener("keydown", (event) => this.walk(event));
    this.body.id = BODY_ID;
    this.body.tabIndex = 0;  // it scrolls
    this.body.setAttribute("role", "tabpanel");
    this.element.append(bar, this.body);
    this.show(0);
  }

  show(index: number): void {
    if (index === this.active || index < 0 || index >= this.panels.length) return;
    if (this.active >= 0) this.panels[this.active].hidden();
    this.active = index;
    this.tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
    });
    this.body.setAttribute("aria-labelledby", this.tabs[index].id);
    this.body.replaceChildren(this.panels[index].element);
    this.body.scrollTop = 0;
    this.panels[index].shown();
  }

  // Among tabs the arrows move to the next one, round the ends; the map has them everywhere else.
  private walk(event: KeyboardEvent): void {
    const last = this.tabs.length - 1;
    const moves: Record<string, number> = { ArrowLeft: this.active === 0 ? last : this.active - 1, ArrowRight: this.active === last ? 0 : this.active + 1, Home: 0, End: last };
    const to = moves[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.show(to);
    this.tabs[to].focus();
  }
}
