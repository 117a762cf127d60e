// What outlives a reload: the theme that was chosen, and the token of this visit. Called by theme.ts and api.ts.
//
// Invariant: a browser that keeps nothing (blocked storage throws, even when it is only named) costs the page its memory
// of earlier visits, and nothing else: within this visit what was remembered is known.
export type Keeper = "localStorage" | "sessionStorage";

const known = new Map<string, string>();

export function remember(keeper: Keeper, key: string, value: string): void {
  known.set(key, value);
  try {
    window[keeper].setItem(key, value);
  } catch {
    // It is known for as long as the page stands.
  }
}

export function remembered(keeper: Keeper, key: string): string | null {
  const value = known.get(key);
  if (value !== undefined) return value;
  try {
    return window[keeper].getItem(key);
  } catch {
    return null;
  }
}
