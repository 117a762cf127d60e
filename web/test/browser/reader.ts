// What a person reads off the page, and where she goes on it. For the browser tests and the screenshots.
import type { Page } from "playwright-core";

const WAIT_MAX_MS = 30_000;
const HEADERS_MAX_BYTES = 48;  // before an object, in its block

// Asks again and again; `seen` tells what it was instead, if it never comes to it.
export async function waitFor(what: string, isSo: () => Promise<boolean>, seen: () => string = () => ""): Promise<void> {
  for (const end = Date.now() + WAIT_MAX_MS; !(await isSo()); ) {
    if (Date.now() > end) throw new Error(`it never came to this: ${what}${seen()}`);
    await sleep(50);
  }
}
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const number = (text: string | undefined): number => Number((text ?? "").replaceAll(",", ""));
export function bytesOf(text: string): number {
  const [, value, unit] = /([\d.]+) (B|KiB|MiB)/.exec(text)!;
  return Number(value) * { B: 1, KiB: 1 << 10, MiB: 1 << 20 }[unit as "B" | "KiB" | "MiB"];
}
// Whether the block at that address can hold that object.
export function holds(block: string, object: string): boolean {
  const header = Number(BigInt(object) - BigInt(block));
  return header >= 0 && header < HEADERS_MAX_BYTES;
}
export const addressIn = (text: string): string => /0x[0-9a-f]+/.exec(text)![0];

export class Reader {
  constructor(readonly page: Page) {}

  async liveBlocks(): Promise<number> {
    return number(/([\d,]+) live blocks/.exec(await this.page.locator(".header-figures").innerText())?.[1]);
  }
  badge(text: string): Promise<void> {
    return waitFor(`badge ${text}`, async () => (await this.page.locator(".badge").innerText()) === text);
  }
  async press(...keys: string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }
  // By the search field, as a person would; then the block is pinned, and in the middle of the map.
  async goTo(object: string): Promise<void> {
    await this.press("/");
    await this.page.keyboard.type(object);
    await this.press("Enter", "Escape");
    await waitFor(`${object} pinned`, async () => holds(await this.pinnedBlock(), object));
    await this.page.locator(".map[aria-busy=false]").waitFor();
  }
  pinnedBlock(): Promise<string> {
    return this.page.locator(".panel .detail-head h2").innerText();
  }
  pinnedTitle(): Promise<string> {
    return this.page.locator(".panel .detail-head .sub").innerText();
  }
  async fact(name: string): Promise<string> {
    const term = this.page.locator(".facts dt", { hasText: new RegExp(`^${name}$`) });
    return term.locator("xpath=following-sibling::dd[1]").first().innerText();
  }
  async middle(): Promise<{ x: number; y: number }> {
    const box = (await this.page.locator(".map").boundingBox())!;
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }
}
