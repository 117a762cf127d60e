// A real browser with a window of our size, pages that are asked for nothing else, and what is on their map. For the
// browser tests.
//
// The browser is Debian's Chromium (SMALLBLOCK_BROWSER names another), drawing WebGL in software: a build machine has no
// graphics card. Screenshots stay in the folder that SMALLBLOCK_SCREENSHOTS names.
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";

const SCREENSHOTS = process.env["SMALLBLOCK_SCREENSHOTS"] ?? resolve("dist/screenshots");
const OPEN_MAX_MS = 60_000;

function findBrowser(): string {
  const named = process.env["SMALLBLOCK_BROWSER"];
  if (named) return named;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env["PATH"] ?? "").split(delimiter)) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error("no Chromium along PATH: scripts/install-dependencies.sh test installs it, or SMALLBLOCK_BROWSER names one");
}

export async function openBrowser(): Promise<Browser> {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const drawing = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"];
  return chromium.launch({ executablePath: findBrowser(), args: [...asRoot, ...drawing, ...quiet], timeout: OPEN_MAX_MS });
}

// What the page does every few seconds it does ten times as often: for a test that waits for it, or sees that it is not done.
export const QUICK = 10;
export const QUICKENED = `const { setTimeout: plain } = window; window.setTimeout = (run, ms, ...words) => plain(run, ms >= 4000 ? ms / ${QUICK} : ms, ...words);`;

export interface Opened { page: Page; errors: string[]; requests: string[] }
// `first` runs before the page's own scripts do.
export interface Window { dark?: boolean; width?: number; height?: number; scale?: number; first?: string; scripts?: boolean }

// Errors of the page are collected, and what it asks for: a test asserts on both.
export async function openPage(browser: Browser, url: string, window: Window = {}): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: window.width ?? 1280, height: window.height ?? 800 }, colorScheme: window.dark ? "dark" : "light", deviceScaleFactor: window.scale ?? 1, reducedMotion: "reduce",
    javaScriptEnabled: window.scripts ?? true,
  });
  context.setDefaultTimeout(30_000);
  if (window.first) await context.addInitScript(window.first);
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || /WebGL|GL_/.test(message.text())) errors.push(message.text());
  });
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(url);
  return { page, errors, requests };
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

// A page without the policy of ours, which lets no picture be read; in a window of its own, for a page behind another rests.
const readers = new WeakMap<Browser, Promise<Page>>();
function readerOf(page: Page): Promise<Page> {
  const browser = page.context().browser()!;
  const reader = readers.get(browser) ?? browser.newPage();
  readers.set(browser, reader);
  return reader;
}

export interface Colors { distinct: number; all: string[]; at: string[] }

// What is on the map: its colours, and those at some points of it ("rgb(1 2 3)"), as the browser shows them.
export async function mapColors(page: Page, points: [number, number][] = []): Promise<Colors> {
  const png = (await page.locator(".map").screenshot()).toString("base64");
  return (await readerOf(page)).evaluate(async ([data, wanted]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d")!;
    context.drawImage(bitmap, 0, 0);
    const { data: bytes } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const words = new Uint32Array(bytes.buffer);
    const text = (word: number): string => `rgb(${word & 255} ${(word >> 8) & 255} ${(word >> 16) & 255})`;
    const all = [...new Set(words)].map(text);
    return { distinct: all.length, all, at: wanted.map(([x, y]) => text(words[Math.round(y) * bitmap.width + Math.round(x)]!)) };
  }, [png, points] as const);
}
