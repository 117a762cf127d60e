// Dark or light: as the system says, until somebody chooses. Called by main.ts and everything that draws with colours.
import { THEMES, type Theme, type ThemeName } from "./palette";
import { remember, remembered } from "./storage";

const KEY = "smallblock-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners: (() => void)[] = [];

function chosen(): ThemeName | null {
  const value = remembered("localStorage", KEY);
  return value === "dark" || value === "light" ? value : null;
}

export function themeName(): ThemeName {
  return chosen() ?? (system.matches ? "dark" : "light");
}
export function theme(): Theme {
  return THEMES[themeName()];
}
export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

function apply(): void {
  document.documentElement.dataset.theme = themeName();
  for (const listener of listeners) listener();
}

export function toggleTheme(): void {
  remember("localStorage", KEY, themeName() === "dark" ? "light" : "dark");
  apply();
}

export function startTheme(): void {
  system.addEventListener("change", apply);
  apply();
}
