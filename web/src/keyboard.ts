// The keys, and the page that shows them: one table makes both, so that none is missing from it.
//
// Called by main.ts. Keys typed into a field are the field's own (search.ts).
import { button, h } from "./dom";

export interface Action { keys: string[]; shown: string; says: string; run: (event: KeyboardEvent) => void }

const SCROLLING = ["ArrowUp", "ArrowDown", "Home"];

export class Keyboard {
  readonly help = h("dialog", "help");

  constructor(private readonly actions: Action[]) {
    const list = h("dl", "keys");
    for (const action of actions) list.append(h("dt", "", ...action.shown.split(" ").map((key) => h("kbd", "", key))), h("dd", "", action.says));
    this.help.append(h("div", "detail-head", h("h2", "", "Keys"), button("×", "quiet", () => this.help.close(), "close", "Esc")), list,
      h("p", "hint", "Mouse: drag moves the map, the wheel zooms, a click pins a block, a double click shows its pool. On the time line, click or drag to go back."));
    this.help.addEventListener("click", (event) => {
      if (event.target === this.help) this.help.close();
    });
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  toggleHelp(): void {
    if (this.help.open) this.help.close();
    else this.help.showModal();
  }

  private pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "INPUT") return;
    // A button that has the focus is pressed by these itself, and a pane scrolled.
    if ((event.key === " " || event.key === "Enter") && target.tagName === "BUTTON") return;
    if (SCROLLING.includes(event.key) && target.getAttribute("role") === "tabpanel") return;
    if (this.help.open && event.key !== "?") return;
    const action = this.actions.find((one) => one.keys.includes(event.key));
    if (!action) return;
    event.preventDefault();
    action.run(event);
  }
}
