// Elements in one expression: h("div", "class", child, "text"). Text is always text, never markup.

export type Child = Node | string | null | false;

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, className = "", ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  for (const child of children) if (child !== null && child !== false) element.append(child);
  return element;
}

// `says` is what it does, in words; `key` does the same. A button without words on it is called by what it says.
export function button(text: string, className: string, onClick: () => void, says = "", key = ""): HTMLButtonElement {
  const element = h("button", className, text);
  element.type = "button";
  element.title = [says, key && `(key: ${key})`].filter(Boolean).join(" ");
  if (says !== "" && !/\p{L}/u.test(text)) element.setAttribute("aria-label", says);
  element.addEventListener("click", onClick);
  return element;
}

export function swatch(color: string, className = ""): HTMLElement {
  const element = h("span", `swatch ${className}`);
  element.style.background = color;
  return element;
}

// A horizontal bar of parts, each [share 0..1, colour, title].
export function bar(parts: [number, string, string][]): HTMLElement {
  const element = h("div", "bar");
  for (const [share, color, title] of parts) {
    if (!(share > 0)) continue;
    const part = h("span");
    part.style.width = `${Math.min(100, share * 100)}%`;
    part.style.background = color;
    part.title = title;
    element.append(part);
  }
  return element;
}

// Whether somebody moves through a list in there with the keyboard, who must not lose his place. A click leaves the focus
// there too, but not so that it is seen.
export function isInRows(element: HTMLElement): boolean {
  const focused = document.activeElement;
  return focused !== null && element.contains(focused) && focused.matches(":focus-visible") && focused.closest("tr, .card, .detail-head") !== null;
}

// Puts other content in there. Who is on a button of it with the keyboard stays on that which stands for the same thing: it
// has the same data-key, or the same words. If there is none any more, the panel around it has the focus.
export function refill(element: HTMLElement, ...content: (Node | string)[]): void {
  const focused = document.activeElement;
  const isOn = focused instanceof HTMLElement && focused !== element && element.contains(focused) && focused.matches(":focus-visible");
  if (!isOn) return element.replaceChildren(...content);
  const alike = (): HTMLElement[] => [...element.querySelectorAll<HTMLElement>("button")].filter((each) => keyOf(each) === keyOf(focused));
  const place = alike().indexOf(focused);
  element.replaceChildren(...content);
  const same = alike();
  (same[place] ?? same[0] ?? element.closest<HTMLElement>("[role=tabpanel]"))?.focus({ preventScroll: true });
}
function keyOf(element: HTMLElement): string {
  return element.dataset.key ?? element.textContent ?? "";
}

// `wraps`: a cell may take several lines, where names are long.
export interface Column<Row> { name: string; cell: (row: Row) => Child; numeric?: boolean; wraps?: boolean }

// Its click is the row's.
function rowButton(content: Child): HTMLButtonElement {
  const element = h("button", "row-button", content);
  element.type = "button";
  return element;
}

// With onRow a click anywhere in a row calls it, and the row's first cell is a button that does so for the keyboard. A text
// among the rows stands alone in its line.
export function table<Row extends object>(columns: Column<Row>[], rows: (Row | string)[], onRow?: (row: Row) => void): HTMLTableElement {
  const head = h("tr");
  for (const column of columns) head.append(h("th", column.numeric ? "number" : "", column.name));
  const body = h("tbody");
  for (const row of rows) {
    if (typeof row === "string") {
      const cell = h("td", "sub wraps", row);
      cell.colSpan = columns.length;
      body.append(h("tr", "", cell));
      continue;
    }
    const line = h("tr", onRow ? "link" : "");
    columns.forEach((column, at) => {
      const cell = column.cell(row);
      line.append(h("td", column.numeric ? "number" : column.wraps ? "wraps" : "", onRow && at === 0 ? rowButton(cell) : cell));
    });
    if (onRow) line.addEventListener("click", () => onRow(row));
    body.append(line);
  }
  return h("table", "", h("thead", "", head), body);
}
