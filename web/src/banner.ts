// What is wrong, in words: a target that ended, a server that is silent, a heap without blocks, a page without its token.
//
// Called by main.ts; listens to the store. Invariant: the last figures stay in sight below a banner.
import { h } from "./dom";
import { clock } from "./format";
import type { Store } from "./store";

export class Banner {
  readonly element = h("div", "banner");

  constructor(private readonly store: Store) {
    this.element.setAttribute("role", "status");
    store.on("figures", () => this.update());
    store.on("connection", () => this.update());
    this.update();
  }

  private update(): void {
    const text = this.text();
    this.element.hidden = text === null;
    if (text !== null && this.element.textContent !== text.join(" ")) this.element.replaceChildren(h("b", "", text[0]), " ", text[1]);
  }
  private text(): [string, string] | null {
    const { store } = this;
    const at = clock(store.live.timeMs);
    if (store.connection === "gone") return ["smallblock view does not answer.", `It may have ended. This is what it said last, at ${at}; the page keeps asking.`];
    if (store.state === "exited") return ["The program has exited.", `Process ${store.target.pid} ended; this is its heap as last seen, at ${at}.`];
    if (store.state === "lost") return ["The program can no longer be read.", `This is its heap as last seen, at ${at}.`];
    return null;
  }
}

// Over the map while there is nothing to draw.
export class EmptyNote {
  readonly element = h("div", "empty-note");

  constructor(store: Store) {
    const update = (): void => {
      const heap = store.shown;
      const hasPools = heap.head !== null && heap.head.classes.some((row) => (row[0] ?? 0) > 0);
      this.element.hidden = hasPools;
      const waits = store.state === "live" && !store.isFixed;
      this.element.replaceChildren(h("h2", "", heap.head ? "No pool is in use" : "Waiting for the first look"),
        h("p", "", heap.head ? `smallblock serves no small block of this program${waits ? " yet: the map fills as soon as it does" : ""}.` : "The heap is being read."));
    };
    store.on("figures", update);
    update();
  }
}

export function pageWithoutToken(sentence: string | null): HTMLElement {
  return h("main", "message-page", h("h1", "", "This page needs its token"),
    h("p", "", "smallblock view lets in only who knows the token of this run, because the page shows the contents of a program’s memory."),
    h("p", "", "Open the whole address that the command printed, with everything after “?token=”. Each start of the command has a new one."),
    sentence ? h("p", "sub", `The server says: ${sentence}.`) : null);
}

export function pageOfError(sentence: string): HTMLElement {
  return h("main", "message-page", h("h1", "", "The heap cannot be shown"), h("p", "", sentence));
}
