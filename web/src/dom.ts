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

export function button(text: string, className: string, onClick: () => void, title = ""): HTMLButtonElement {
  const element = h("button", className, text);
  element.type = "button";
  if (title !== "") element.title = title;
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

export interface Column<Row> { name: string; cell: (row: Row) => Child; numeric?: boolean }

export function table<Row>(columns: Column<Row>[], rows: Row[], onRow?: (row: Row) => void): HTMLTableElement {
  const head = h("tr");
  for (const column of columns) head.append(h("th", column.numeric ? "number" : "", column.name));
  const body = h("tbody");
  for (const row of rows) {
    const line = h("tr", onRow ? "link" : "");
    for (const column of columns) line.append(h("td", column.numeric ? "number" : "", column.cell(row)));
    if (onRow) {
      line.tabIndex = 0;
      line.addEventListener("click", () => onRow(row));
      line.addEventListener("keydown", (event) => {
        if (event.key === "Enter") onRow(row);
      });
    }
    body.append(line);
  }
  return h("table", "", h("thead", "", head), body);
}
