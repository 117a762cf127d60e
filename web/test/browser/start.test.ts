// Pages that cannot start as usual: what is missing is said, and no page stays blank.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser, openPage, picture, type Window } from "./browser";
import { waitFor } from "./reader";
import { endAll, named, Program, Running } from "./targets";

const folder = mkdtempSync(join(tmpdir(), "smallblock-start-"));
const saved = join(folder, "heap.html");
let browser: Browser;

beforeAll(async () => {
  const { program } = await Program.python();
  const writer = new Running([named("SMALLBLOCK_COMMAND"), "view", String(program.pid), "--output", saved]);
  expect(await writer.line()).toBe(`wrote ${saved}`);
  await endAll();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

// What a person reads on the saved page, after `change`.
async function textOf(change: (html: string) => string, wanted: RegExp, window: Window = {}): Promise<void> {
  const file = join(folder, "changed.html");
  writeFileSync(file, change(readFileSync(saved, "utf8")));
  const { page } = await openPage(browser, `file://${file}`, { width: 1110, height: 700, ...window });
  await waitFor(`${wanted} on the page`, async () => wanted.test(await page.innerText("body")));
  await page.context().close();
}
const asItIs = (html: string): string => html;

test("a damaged heap, and a browser that cannot unpack it", async () => {
  await textOf((html) => html.replace(/(id="smallblock-data"[^>]*>[A-Za-z0-9+/]{400})[A-Za-z0-9+/=]+/, "$1"), /cannot be shown\s+The heap in this page is damaged/);
  await textOf((html) => html.replace(/(id="smallblock-data"[^>]*>)/, "$1?"), /cannot be shown\s+The heap in this page is damaged/);
  await textOf(asItIs, /cannot be shown\s+This browser cannot unpack/, { first: "delete globalThis.DecompressionStream;" });
});

test("without WebGL the map says so, and all else is there", async () => {
  const first = "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };";
  const { page, errors } = await openPage(browser, `file://${saved}`, { width: 1110, height: 700, first });
  await page.locator(".map-lost", { hasText: /The map cannot be drawn\s*This browser has no WebGL 2/ }).waitFor();
  expect(await page.locator(".stack-part").count()).toBeGreaterThan(10);
  await page.keyboard.press("5");
  await page.locator(".panel tbody tr", { hasText: "Planted" }).waitFor();
  await picture(page, "no-webgl");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("before the scripts run, and without scripts", async () => {
  await textOf((html) => html.replace(/<script type="module"[^]*?<\/script>/, ""), /^\s*Reading the heap …\s*$/);
  await textOf(asItIs, /^\s*The heap cannot be shown\s+[^]*JavaScript[^]*$/, { scripts: false });
});

test("in a narrow window all is within it", async () => {
  const { page, errors } = await openPage(browser, `file://${saved}`, { width: 420, height: 800 });
  await page.locator(".badge", { hasText: "saved" }).waitFor();
  await waitFor("the heap", async () => (await page.locator(".stack-part").count()) > 10);
  for (const part of [".map", ".panels", ".search", ".legend", ".stack", ".header-command"]) {
    const box = (await page.locator(part).boundingBox())!;
    expect(box.width, part).toBeGreaterThan(50);
    expect(box.x + box.width, part).toBeLessThanOrEqual(420);
  }
  for (const name of ["dark or light", "keys"]) {
    const box = (await page.getByRole("button", { name, exact: true }).boundingBox())!;
    expect(box.x + box.width, name).toBeLessThanOrEqual(420);
    expect(box.y + box.height, name).toBeLessThanOrEqual((await page.locator(".search").boundingBox())!.y);
    expect(box.y, name).toBeLessThan(20);
  }
  expect((await page.locator(".map").boundingBox())!.width).toBe(420);
  expect((await page.locator(".search").boundingBox())!.width).toBeGreaterThan(370);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(420);
  expect(await page.locator(".stack-rest").evaluateAll((all) => all.filter((each) => each.scrollWidth > each.clientWidth).length)).toBe(0);
  await picture(page, "narrow");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("in a small window the legend takes nothing from the panel", async () => {
  const { page } = await openPage(browser, `file://${saved}`, { width: 800, height: 600 });
  await page.locator(".badge", { hasText: "saved" }).waitFor();
  for (const mode of ["Size class", "State", "Age", "Type"]) {
    await page.getByRole("button", { name: mode, exact: true }).click();
    const panel = (await page.locator(".panels").boundingBox())!.x;
    const keys = await page.locator(".legend-key").evaluateAll((all) => Math.max(...all.map((each) => each.getBoundingClientRect().right)));
    for (const right of [keys, ...(await page.locator(".map, .legend").evaluateAll((all) => all.map((each) => each.getBoundingClientRect().right)))]) {
      expect(right, mode).toBeLessThanOrEqual(panel);
    }
  }
  await picture(page, "small");
  await page.context().close();
});

test("where storage is blocked the page is as ever", async () => {
  const { page, errors } = await openPage(browser, "about:blank", { width: 1110, height: 700 });
  // A frame of nobody's origin: there the browser throws at whoever names localStorage.
  await page.evaluate((html) => {
    const frame = document.createElement("iframe");
    frame.sandbox.add("allow-scripts");
    frame.srcdoc = html;
    frame.style.cssText = "position: fixed; inset: 0; width: 100%; height: 100%; border: 0";
    document.body.append(frame);
  }, readFileSync(saved, "utf8"));
  const frame = page.frameLocator("iframe");
  await frame.locator(".badge", { hasText: "saved" }).waitFor();
  await frame.locator("html[data-theme=light]").waitFor();
  await frame.getByRole("button", { name: "dark or light" }).click();
  await frame.locator("html[data-theme=dark]").waitFor();
  await picture(page, "storage-blocked");
  expect(errors).toEqual([]);
  await page.context().close();
});
