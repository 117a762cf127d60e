// What the map's colours mean, always in sight. Called by main.ts; listens to the store.
import { h, swatch } from "./dom";
import { bytes } from "./format";
import { ageColor, AGE_BUCKETS, AGE_UNKNOWN, css, mix, ramp } from "./palette";
import { STATE_NAMES } from "./protocol";
import { COLOR_MODES, type ColorMode, type Store } from "./store";
import { onTheme, theme } from "./theme";
import { OTHER, UNKNOWN, type TypesPalette } from "./types_palette";

const MODE_NAMES: Record<ColorMode, string> = { class: "Size class", state: "State", age: "Age", type: "Type" };

export class Legend {
  readonly element = h("div", "legend");
  private readonly keys = h("div", "legend-keys");
  private readonly buttons = new Map<ColorMode, HTMLButtonElement>();

  constructor(private readonly store: Store, private readonly types: TypesPalette) {
    const modes = h("div", "segments");
    modes.setAttribute("role", "group");
    modes.setAttribute("aria-label", "Colour the map by");
    for (const mode of COLOR_MODES) {
      const choice = h("button", "", MODE_NAMES[mode]);
      choice.type = "button";
      choice.addEventListener("click", () => store.setMode(mode));
      this.buttons.set(mode, choice);
      modes.append(choice);
    }
    this.element.append(modes, this.keys);
    store.on("mode", () => this.draw());
    store.on("difference", () => this.draw());
    store.on("types", () => this.draw());
    onTheme(() => this.draw());
    this.draw();
  }

  private draw(): void {
    const { isComparing } = this.store;
    for (const [mode, choice] of this.buttons) {
      choice.setAttribute("aria-pressed", String(!isComparing && mode === this.store.mode));
      choice.title = isComparing ? "While the Growth panel is open the map is coloured by what grew" : "";
    }
    this.keys.replaceChildren(...(isComparing ? this.change() : this[this.store.mode]()));
  }
  private key(color: string, text: string): HTMLElement {
    const name = h("span", "legend-name", text);
    name.title = text;
    return h("span", "legend-key", swatch(color), name);
  }
  private purged(): HTMLElement {
    return h("span", "legend-key", swatch("", "hatch"), STATE_NAMES[3]);
  }
  private scale(from: string, colors: string[], to: string): HTMLElement {
    const strip = h("span", "legend-strip");
    strip.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
    return h("span", "legend-key", from, strip, to);
  }
  // In every mode but "state", what is not live has a paler tone of the same colour.
  private tones(): HTMLElement[] {
    const base = ramp(0.5);
    const ground = theme().arena;
    const key = (share: number, name: string): HTMLElement => this.key(css(mix(ground, base, share)), name);
    return [h("span", "legend-gap"), key(1, STATE_NAMES[1]), key(0.5, STATE_NAMES[2]), key(0.2, STATE_NAMES[0]), this.purged()];
  }

  private change(): HTMLElement[] {
    const colors = theme();
    return [this.key(css(colors.grown), "grew"), this.key(css(colors.shrunk), "shrank"), this.key(css(mix(colors.arena, colors.states[0], 0.3)), "as it was")];
  }
  private class(): HTMLElement[] {
    const shapes = this.store.target.geometry.classes;
    const colors = Array.from({ length: 9 }, (_, at) => css(ramp(at / 8)));
    return [this.scale(bytes(shapes[1]?.block_bytes ?? 0), colors, bytes(shapes[shapes.length - 1].block_bytes)), ...this.tones()];
  }
  private state(): HTMLElement[] {
    const { states } = theme();
    return [1, 2, 0].map((state) => this.key(css(states[state]), STATE_NAMES[state])).concat(this.purged());
  }
  private age(): HTMLElement[] {
    const colors = Array.from({ length: AGE_BUCKETS }, (_, at) => css(ageColor(at + 1, theme())));
    return [this.scale("just now", colors, "over an hour"), this.key(css(ageColor(AGE_UNKNOWN, theme())), "since before this page looked"), ...this.tones()];
  }
  private type(): HTMLElement[] {
    const colors = theme().types;
    const keys = this.types.names().map(([name, slot]) => this.key(css(colors[slot]), name));
    return [...keys, this.key(css(colors[OTHER]), "other"), this.key(css(colors[UNKNOWN]), "unknown, or not counted yet"), ...this.tones()];
  }
}
