// The top line: what is looked at, whether it lives, search, theme, help. Called by main.ts.
import { button, h } from "./dom";
import { bytes, counted, shortCommand } from "./format";
import type { Search } from "./search";
import type { Store } from "./store";
import { toggleTheme } from "./theme";

export function makeHeader(store: Store, search: Search, showHelp: () => void): HTMLElement {
  const { target } = store;
  const badge = h("span", "badge");
  const figures = h("span", "header-figures");
  const what = target.kind === "process" ? `process ${target.pid}` : target.kind === "core" ? `core dump of ${target.pid}` : `snapshot of ${target.pid}`;
  const command = h("span", "header-command", shortCommand(target.command));
  command.title = target.command;
  const update = (): void => {
    const state = store.connection === "gone" ? "no answer" : store.state !== "live" ? store.state : store.isPaused ? "paused" : !store.isFixed ? "live" : target.kind === "process" ? "saved" : target.kind;
    badge.textContent = state;
    badge.dataset.state = state;
    const head = store.shown.head;
    if (!head) return;
    const blocks = head.classes.reduce((sum, row) => sum + (row[1] ?? 0), 0);
    const torn = head.torn_pools > 0 ? ` · ${counted(head.torn_pools, "pool")} changed too fast to read` : "";
    figures.textContent = `${bytes(head.layers.resident)} resident · ${counted(blocks, "live block")} in ${counted(head.arenas.used, "arena")}${torn}`;
  };
  store.on("figures", update);
  store.on("connection", update);
  return h("header", "header", h("h1", "logo", "smallblock"), badge, command, h("span", "sub", `${what}${target.python ? ` · Python ${target.python}` : ""}`),
    figures, h("span", "grow"), search.element, button("◐", "quiet", toggleTheme, "dark or light", "d"), button("?", "quiet", showHelp, "keys", "?"));
}
