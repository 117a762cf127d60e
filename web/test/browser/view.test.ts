// The page of `smallblock view` on a CPython at work: what it shows is held against what the program says of itself.
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { css, THEMES } from "../../src/palette";
import { mapColors, openBrowser, openPage, picture, QUICKENED, type Opened } from "./browser";
import { addressIn, bytesOf, holds, number, Reader, sleep, waitFor } from "./reader";
import { endAll, Program, View, type Facts } from "./targets";

const STRINGS = 20_000;
let browser: Browser;
let program: Program;
let facts: Facts;
let view: View;
let opened: Opened;
let page: Page;
let reader: Reader;

beforeAll(async () => {
  ({ program, facts } = await Program.python());
  view = await View.of("--rate", "4", "--allow-actions", String(program.pid));
  browser = await openBrowser();
  opened = await openPage(browser, view.url, { dark: true, first: QUICKENED });
  page = opened.page;
  reader = new Reader(page);
});
afterAll(async () => {
  await browser?.close();
  await endAll();
});

function residentBytes(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${program.pid}/status`, "utf8"))![1]) * 1024;
}
const isPlanted = (block: string): boolean => facts.planted.some((object) => holds(block, object));

test("the map appears, and every layer has its bytes", async () => {
  await reader.badge("live");
  await waitFor("a map with many colours", async () => (await mapColors(page)).distinct > 30);
  expect(await page.locator(".stack-name").allInnerTexts()).toEqual(["Physical memory", "Owner", "Region", "Blocks", "Objects"]);
  for (const row of await page.locator(".stack-track").filter({ hasText: "iB" }).allInnerTexts()) expect(row).toMatch(/[\d.]+ [KMG]iB/);
  for (const part of ["metadata", "ends of pools"]) expect(await page.locator(`.stack-part[title^="${part}: "]`).count(), part).toBe(1);
  const title = await page.locator(".stack-part").first().getAttribute("title");
  const [, shown] = /Resident: ([\d.]+) MiB/.exec(title ?? "") ?? [];
  expect(Math.abs(Number(shown) * 2 ** 20 - residentBytes())).toBeLessThan(1 << 20);
  await picture(page, "map-dark");
});

test("in small windows the map can be used, no figure is cut, and nothing is beside the window", async () => {
  for (const [width, height] of [[1280, 400], [844, 390], [320, 568]] as const) {
    await page.setViewportSize({ width, height });
    const size = `${width} x ${height}`;
    await waitFor(`the page at ${size}`, async () => (await page.locator(".map").boundingBox())!.height > 200);
    await waitFor(`figures in sight at ${size}`, () => page.evaluate(() => [...document.querySelectorAll(".stack-text, .stack-rest span")].every((part) => part.scrollWidth <= part.clientWidth)));
    expect(await page.evaluate(() => document.documentElement.scrollWidth), size).toBe(width);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
});

test("zoomed to a block, the page says the type that the program says", async () => {
  await waitFor("the types' colours", async () => (await page.locator(".stack-row").last().innerText()).includes("str"));
  await reader.press("c", "c", "c");
  expect(await page.locator(".segments [aria-pressed=true]").innerText()).toBe("Type");
  expect(await page.locator(".legend-key").allInnerTexts()).toContain("unknown, or not counted yet");
  for (const [type, address] of Object.entries(facts.objects)) {
    await reader.goTo(address);
    expect(await reader.pinnedTitle()).toBe(type);
    expect(await reader.fact("type")).toBe(type);
    expect(await reader.fact("state")).toBe("live");
  }
  await reader.goTo(facts.objects["str"]!);
  expect(await reader.fact("value")).toContain("a text of the program");
  await reader.goTo(facts.objects["int"]!);
  expect(await reader.fact("value")).toBe("1000000000000007");
  expect(await page.locator(".named-block, section", { hasText: "Neighbours" }).locator("tbody tr").count()).toBeGreaterThan(4);
  await picture(page, "detail-int");
});

test("what is under the mouse is told, and coloured as the legend says", async () => {
  await reader.goTo(facts.objects["str"]!);
  const center = await reader.middle();
  await page.mouse.move(center.x, center.y);
  await page.locator(".tooltip", { hasText: "a text of the program" }).waitFor();
  const told = await page.locator(".tooltip").innerText();
  expect(holds(addressIn(told), facts.objects["str"]!)).toBe(true);
  expect(told).toMatch(/type\s+str · /);
  await picture(page, "hover-dark");
  await page.mouse.move(5, 5);
  // Beside the name in the block's middle, within the block: the colour of the legend's key of this type.
  const key = page.locator(".legend-key", { hasText: /^str$/ }).locator(".swatch");
  const { width, height } = (await page.locator(".map").boundingBox())!;
  let color = "";
  let expected = "";
  await waitFor("the block in its type's colour", async () => {
    // Nothing of a key that is just drawn anew.
    expected = await key.evaluate((element) => getComputedStyle(element).backgroundColor);
    const { at } = await mapColors(page, [[width / 2, height / 2 - 14]]);
    color = at[0]!.replaceAll(" ", ", ");
    return color === expected.replaceAll(/,? /g, ", ");
  }, () => `: it is ${color}, the legend ${expected}`);
  await page.getByRole("button", { name: "Age", exact: true }).click();
  await waitFor("its age", async () => {
    await page.mouse.move(center.x, center.y);
    await page.mouse.move(center.x + 1, center.y);
    return /age\s+since before this page looked/.test(await page.locator(".tooltip").innerText());
  });
  await page.getByRole("button", { name: "Type", exact: true }).click();
});

test("a click pins a block, and the keys walk to the next", async () => {
  await reader.goTo(facts.planted[20]!);
  await reader.press("Escape");
  expect(await page.locator(".panel .detail-head").count()).toBe(0);
  const center = await reader.middle();
  await page.mouse.click(center.x, center.y);
  await page.locator(".panel .detail-head").waitFor();
  const first = await reader.pinnedBlock();
  expect(holds(first, facts.planted[20]!)).toBe(true);
  await reader.press(".");
  await waitFor("the next block", async () => Number(await reader.pinnedBlock()) === Number(first) + bytesOf(await reader.fact("class")));
  expect(await reader.pinnedTitle()).not.toBe("__main__.Planted");
  await reader.press(",");
  await waitFor("the block before", async () => (await reader.pinnedBlock()) === first);
  await picture(page, "neighbours");
  await reader.press("Escape");
});

test("it lives: what the program allocates shows, in changes and not whole heaps", async () => {
  await reader.press("0");
  const before = await reader.liveBlocks();
  const sizes: number[] = [];
  page.on("response", async (response) => {
    if (/frame\?since=[1-9]/.test(response.url())) sizes.push((await response.body().catch(() => Buffer.alloc(0))).length);
  });
  await program.does("grow");
  await waitFor("20,000 blocks more", async () => (await reader.liveBlocks()) >= before + STRINGS);
  await program.does("drop");
  await waitFor("as many less", async () => (await reader.liveBlocks()) < before + STRINGS / 4);
  await waitFor("quiet frames", async () => sizes.length > 4);
  const whole = (await (await fetch(`${view.base}/api/frame?since=0`, { headers: { "X-Smallblock-Token": new URL(view.url).searchParams.get("token")! } })).arrayBuffer()).byteLength;
  expect(Math.min(...sizes)).toBeLessThan(whole / 2);
});

test("paused it stays, and the time line leads back and forth", async () => {
  const before = await reader.liveBlocks();
  await reader.press(" ");
  await reader.badge("paused");
  const held = await reader.liveBlocks();
  await program.does("grow");
  for (let time = 0; time < 3; time += 1) await page.waitForResponse(/frame\?since/);
  expect(await reader.liveBlocks()).toBe(held);
  await reader.press(" ");
  await reader.badge("live");
  await waitFor("what came meanwhile", async () => (await reader.liveBlocks()) >= held + STRINGS);
  for (let step = 0; step < 10; step += 1) await reader.press("[");
  await reader.badge("paused");
  expect(await page.locator(".timeline-when").innerText()).toMatch(/\d\d:\d\d:\d\d\s+\d+ s back|held/);
  const plot = (await page.locator(".timeline .u-over").boundingBox())!;
  await page.mouse.click(plot.x + 2, plot.y + plot.height / 2);
  await waitFor("the first moment", async () => (await reader.liveBlocks()) < before + STRINGS / 2);
  await picture(page, "scrubbed");
  await reader.press(" ");
  await reader.badge("live");
  expect(await reader.liveBlocks()).toBeGreaterThanOrEqual(held + STRINGS);
});

test("the difference of two moments names what grew", async () => {
  await reader.press("m");
  await reader.press("4");
  await page.locator(".tab[aria-selected=true]", { hasText: "Growth" }).waitFor();
  await program.does("grow");
  await waitFor("growth of a megabyte", async () => /\+[\d.]+ MiB/.test(await page.locator(".figure b").innerText()));
  const rows = await page.locator("section", { hasText: "Classes" }).locator("tbody tr").allInnerTexts();
  const grown = rows.map((row) => number(/\+([\d,]+)/.exec(row)?.[1]));
  expect(Math.max(...grown)).toBeGreaterThanOrEqual(STRINGS * 0.9);
  expect(await page.locator(".legend-keys").innerText()).toContain("grew");
  expect(await page.locator(".segments [aria-pressed=true]").count()).toBe(0);
  const colors = await mapColors(page);
  expect(colors.distinct).toBeGreaterThan(5);
  await picture(page, "growth");
});

test("what pins memory is named", async () => {
  await reader.press("2");
  const named = page.locator(".named-block", { has: page.locator("span", { hasText: /^__main__\.Planted$/ }) });
  await named.first().waitFor();
  const listed = (await named.allInnerTexts()).map(addressIn);
  expect(listed.length).toBeGreaterThan(3);
  expect(listed.filter((block) => !isPlanted(block))).toEqual([]);
  await picture(page, "pinned");
  await named.first().click();
  await page.locator(".panel .detail-head .sub", { hasText: "Planted" }).waitFor();
});

test("search by type finds objects, which are outlined", async () => {
  await reader.press("0");
  await reader.press("/");
  await page.keyboard.type("Planted");
  await reader.press("Enter");
  await page.locator(".search-list .named-block").first().waitFor();
  const found = (await page.locator(".search-list .named-block").allInnerTexts()).map(addressIn);
  expect(found.filter(isPlanted).length).toBeGreaterThan(20);
  await picture(page, "search");
  await reader.press("Escape");
});

test("waste, and a trim that gives it back", async () => {
  await program.does("drop");
  await reader.press("3");
  const figure = page.locator(".figure b");
  await waitFor("a class that wastes", async () => (await page.locator(".panel tbody tr").count()) > 3);
  await picture(page, "waste");
  await waitFor("much to give back", async () => bytesOf(await figure.innerText()) > 1 << 20);
  const before = bytesOf(await figure.innerText());
  const resident = residentBytes();
  await page.getByRole("button", { name: "Trim now" }).click();
  await page.locator(".panel .hint", { hasText: "Asked" }).waitFor();
  await program.does("work");  // a trim is done by the program's own next steps, once it is asked for
  await waitFor("less to give back", async () => bytesOf(await figure.innerText()) < before / 2);
  expect(residentBytes()).toBeLessThan(resident - (1 << 19));
  await reader.press("c", "c");
  await picture(page, "trimmed-state");
});

test("types are listed, dark turns to light, and every key is told", async () => {
  await reader.press("5");
  await page.locator(".panel tbody tr", { hasText: "Planted" }).waitFor();
  expect(await page.locator(".panel-body").evaluate((body) => body.scrollWidth - body.clientWidth), "long names wrap").toBe(0);
  await page.locator(".panel").getByRole("button", { name: "int", exact: true }).click();
  const found = page.locator(".search-list .named-block span:last-child");
  await found.first().waitFor();
  for (const text of await found.allInnerTexts()) expect(text).toMatch(/^int( ·|$)/);
  await page.locator(".search input").press("Escape");
  await reader.press("c");
  await waitFor("ages in the legend", async () => (await page.locator(".legend-keys").innerText()).includes("just now"));
  await sleep(600);  // ages are told anew twice a second
  await picture(page, "age");
  await reader.press("d");
  const { background } = THEMES.light;
  await waitFor("a light page", async () => (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).replaceAll(",", "") === css(background));
  await picture(page, "types-light");
  await reader.press("?");
  await page.locator("dialog.help[open]").waitFor();
  await picture(page, "keys");
  await reader.press("?");
});

test("the page asked nobody else, and had no errors", () => {
  expect(opened.requests.filter((url) => !url.startsWith(`${view.base}/`) && !url.startsWith("data:"))).toEqual([]);
  expect(opened.requests.filter((url) => url.includes("token=")).length).toBe(1);
  expect(opened.errors).toEqual([]);
});
