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
      tab.title = String(index + 1);
      tab.addEventListener("click", () => this.show(index));
      return tab;
    });
    bar.append(...this.tabs);
    this.body.setAttribute("role", "tabpanel");
    this.element.append(bar, this.body);
    this.show(0);
  }

  show(index: number): void {
    if (index === this.active || index < 0 || index >= this.panels.length) return;
    if (this.active >= 0) this.panels[this.active].hidden();
    this.active = index;
    this.tabs.forEach((tab, at) => tab.setAttribute("aria-selected", String(at === index)));
    this.body.replaceChildren(this.panels[index].element);
    this.body.scrollTop = 0;
    this.panels[index].shown();
  }
}
