// The search field: an address goes there at once, other text asks for objects of types that have it in their name; those
// of the type that is called just so stand first.
//
// Called by main.ts and keyboard.ts ("/"). What was found is outlined on the map until the field is cleared.
import { ApiError, type Api } from "./api";
import { h } from "./dom";
import { parseAddress } from "./format";
import { namedBlock } from "./named_block";
import type { Match } from "./protocol";

const LETTERS_MOST = 500;  // 2000 bytes at most

export class Search {
  readonly element = h("div", "search");
  onAddress: (address: number) => boolean = () => false;
  onMatches: (matches: Match[]) => void = () => undefined;
  private readonly field = h("input", "");
  private readonly list = h("div", "search-list");
  private readonly said = h("div", "sub");
  private turn = 0;

  constructor(private readonly api: Api) {
    this.field.type = "search";
    this.field.placeholder = "Address or type";
    this.field.spellcheck = false;
    this.field.setAttribute("aria-label", "Search by address or type");
    this.list.hidden = true;
    this.said.setAttribute("role", "status");
    this.element.append(this.field, h("kbd", "", "/"), this.list);
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => {
      if (this.field.value === "") this.clear();
    });
    this.list.addEventListener("keydown", (event) => this.walk(event));
  }

  focus(): void {
    this.field.focus();
    this.field.select();
  }
  // Of that type only, if some are found.
  findType(name: string): void {
    this.field.value = name;
    void this.run(name, true);
  }
  clear(): void {
    this.turn += 1;
    this.list.hidden = true;
    this.onMatches([]);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Enter") void this.run(this.field.value);
    if (event.key === "ArrowDown") this.list.querySelector("button")?.focus();
    if (event.key === "Escape") {
      this.field.value = "";
      this.clear();
      this.field.blur();
    }
    event.stopPropagation();
  }
  private walk(event: KeyboardEvent): void {
    const items = [...this.list.querySelectorAll("button")];
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === "ArrowDown") items[Math.min(items.length - 1, at + 1)]?.focus();
    else if (event.key === "ArrowUp") (at <= 0 ? this.field : items[at - 1]).focus();
    else if (event.key === "Escape") this.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private async run(text: string, isType = false): Promise<void> {
    const turn = ++this.turn;
    const asAddress = isType ? null : parseAddress(text);
    if (asAddress !== null) {
      if (this.onAddress(asAddress)) this.list.hidden = true;
      else this.say("No block is at this address.");
      return;
    }
    if (text.trim() === "") return;
    this.say("Searching …");
    try {
      // By the beginning of a name that is longer than a request may be.
      const { matches: all, more } = await this.api.search([...text.trim()].slice(0, LETTERS_MOST).join(""));
      if (turn !== this.turn) return;
      const exact = all.filter((match) => match.type === text.trim());
      const matches = isType && exact.length > 0 ? exact : [...exact, ...all.filter((match) => !exact.includes(match))];
      this.onMatches(matches);
      if (matches.length === 0) {
        this.say(this.api.isStatic ? "A saved page finds addresses only." : "Nothing is called so.");
        return;
      }
      this.say(`${more ? "The first " : ""}${matches.length} found, outlined on the map`, matches);
    } catch (error) {
      if (turn === this.turn) this.say(error instanceof ApiError ? `${error.message}.` : String(error));
    }
  }
  private match(match: Match): HTMLElement {
    return namedBlock(match, () => {
      this.onAddress(Number(match.address));
      this.list.hidden = true;
    });
  }
  private say(text: string, matches: Match[] = []): void {
    this.list.hidden = false;
    this.said.textContent = text;
    this.list.replaceChildren(this.said, ...matches.map((match) => this.match(match)));
  }
}
