// A block as one line: its address, and what is in it. Called by search.ts and the panels that list blocks.
import { button, h } from "./dom";

export interface Named { address: string; type: string; value: string }

export function whatIs(block: Pick<Named, "type" | "value">): string {
  return [block.type, block.value].filter(Boolean).join(" · ");
}

export function namedBlock(block: Named, onClick: () => void): HTMLButtonElement {
  const line = button("", "named-block", onClick);
  line.dataset.key = block.address;
  const text = h("span", "", whatIs(block));
  text.title = whatIs(block);  // it is cut where it is too long
  line.append(h("span", "mono", block.address), " ", text);
  return line;
}
