// A real browser with a window of our size, the built page, and how long its frames take. For the browser tests.
//
// The browser is Debian's Chromium (SMALLBLOCK_BROWSER names another), drawing WebGL in software: a build machine has no
// graphics card. Screenshots stay in the folder that SMALLBLOCK_SCREENSHOTS names.
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";

export const PAGE = process.env["SMALLBLOCK_PAGE"] ?? resolve("dist/index.html");
const SCREENSHOTS = process.env["SMALLBLOCK_SCREENSHOTS"] ?? resolve("dist/screenshots");

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
  return chromium.launch({ executablePath: findBrowser(), args: [...asRoot, "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist", "--disable-dev-shm-usage"] });
}

export interface Opened { page: Page; errors: string[] }

// Errors of the page are collected: a test asserts that there are none.
export async function openPage(browser: Browser, url: string, options: { dark?: boolean; width?: number; height?: number } = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: options.width ?? 1440, height: options.height ?? 900 }, colorScheme: options.dark ? "dark" : "light" });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || /WebGL|GL_/.test(message.text())) errors.push(message.text());
  });
  await page.addInitScript(measureFrames);
  await page.goto(url);
  return { page, errors };
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

// Runs in the page before its own script: what the page does in animation frames and in the handlers of input is timed,
// and handed over frame by frame.
function measureFrames(): void {
  const own: number[] = [];
  const gaps: number[] = [];
  let spent = 0;
  let last = 0;
  const timed = <Args extends unknown[]>(run: (...args: Args) => unknown) => function (this: unknown, ...args: Args): unknown {
    const start = performance.now();
    try {
      return run.apply(this, args);
    } finally {
      spent += performance.now() - start;
    }
  };
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => request(timed(callback) as FrameRequestCallback);
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type: string, listener: never, options: never): void {
    const isInput = /^(pointer|wheel|key|mouse)/.test(type) && typeof listener === "function";
    listen.call(this, type, isInput ? (timed(listener) as never) : listener, options);
  };
  const next = (nowMs: number): void => {
    if (last > 0) gaps.push(nowMs - last);
    last = nowMs;
    own.push(spent);
    spent = 0;
    request(next);
  };
  request(next);
  Object.assign(window, { takeFrames: () => ({ own: own.splice(0), gaps: gaps.splice(0) }) });
}

export async function takeFrames(page: Page): Promise<{ own: number[]; gaps: number[] }> {
  return page.evaluate(() => (window as unknown as { takeFrames: () => { own: number[]; gaps: number[] } }).takeFrames());
}

export function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
