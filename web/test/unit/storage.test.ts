// What is remembered where the browser keeps nothing: blocked storage throws as soon as it is named.
import { afterEach, expect, test, vi } from "vitest";
import { remember, remembered } from "../../src/storage";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("blocked storage forgets with the page, not before", () => {
  const blocked = (): never => {
    throw new DOMException("Access is denied for this document.", "SecurityError");
  };
  vi.stubGlobal("window", Object.defineProperties({}, { localStorage: { get: blocked }, sessionStorage: { get: blocked } }));
  for (const keeper of ["localStorage", "sessionStorage"] as const) {
    expect(remembered(keeper, `${keeper} key`)).toBeNull();
    remember(keeper, `${keeper} key`, "value");
    expect(remembered(keeper, `${keeper} key`)).toBe("value");
  }
});
