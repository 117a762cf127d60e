// The page by its keys and by the names that a screen reader says; and what pauses while a moment of the past is shown.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { css, THEMES } from "../../src/palette";
import { mapColors, openBrowser, openPage, picture, type Opened } from "./browser";
import { Reader, sleep, waitFor } from "./reader";
import { endAll, Program, View, type Facts } from "./targets";

const REFRESH_MS = 4000;
let browser: Browser;
let program: Program;
let facts: Facts;
let opened: Opened;
let page: Page;
let reader: Reader;

beforeAll(async () => {
  ({ program, facts } = await Program.python());
  const view = await View.of("--rate", "4", "--allow-actions", String(program.pid));
  browser = await openBrowser();
  opened = await openPage(browser, view.url);
  page = opened.page;
  reader = new Reader(page);
  await reader.badge("live");
});
afterAll(async () => {
  await browser?.close();
  await endAll();
});

test("space and Enter on a row do what a click does", async () => {
  for (const key of [" ", "Enter"]) {
    await reader.goTo(facts.objects["str"]!);
    const row = page.locator("section", { hasText: "Neighbours" }).locator("tbody tr").getByRole("button").first();
    const address = await row.innerText();
    await row.focus();
    await reader.press(key);
    await waitFor("the neighbour pinned", async () => (await reader.pinnedBlock()) === address);
    await reader.badge("live");
  }
});

test("what has no words on it has a name, and the map its role", async () => {
  for (const name of ["one moment back", "one moment forward", "dark or light", "keys", "unpin"]) {
    expect(await page.getByRole("button", { name, exact: true }).count(), name).toBe(1);
  }
  await page.getByRole("button", { name: "keys", exact: true }).click();
  await page.getByRole("button", { name: "close", exact: true }).click();
  expect(await page.getByRole("application", { name: /^Map of the heap/ }).count()).toBe(1);
  await reader.press("/");
  await page.keyboard.type("no such type");
  await reader.press("Enter");
  await page.locator(".search").getByRole("status").filter({ hasText: "Nothing is called so" }).waitFor();
  await reader.press("Escape");
});

test("tabs are walked by the arrows, and name their panel", async () => {
  await page.getByRole("tab", { name: "Block" }).focus();
  const before = await mapColors(page, [[100, 100], [200, 200], [300, 150]]);
  for (const [key, name] of [["ArrowRight", "Pinned"], ["ArrowLeft", "Block"], ["ArrowLeft", "Types"], ["Home", "Block"], ["End", "Types"], ["ArrowRight", "Block"]] as const) {
    await reader.press(key);
    const tab = page.getByRole("tab", { name, selected: true });
    expect(await tab.evaluate((element) => element === document.activeElement && element.tabIndex === 0), `${key} to ${name}`).toBe(true);
    expect(await page.getByRole("tabpanel", { name }).getAttribute("id")).toBe(await tab.getAttribute("aria-controls"));
    expect(await page.locator(".tab[tabindex='0']").count()).toBe(1);
  }
  expect((await mapColors(page, [[100, 100], [200, 200], [300, 150]])).at).toEqual(before.at);
});

test("growth is told anew as soon as a moment is marked by its button", async () => {
  await reader.press("4");
  const range = page.locator(".figure .sub");
  await waitFor("the figure", async () => (await range.count()) === 1);
  const before = await range.innerText();
  await sleep(1100);  // the times are told in seconds
  await page.getByRole("button", { name: "Mark this moment" }).click();
  await waitFor("another mark", async () => (await range.innerText()).split(" to ")[0] !== before.split(" to ")[0]);
});

test("a click on a row does not hold the panel, the keyboard on it does", async () => {
  await reader.press("4");
  await program.does("grow");
  const range = page.locator(".figure .sub");
  const end = async (): Promise<string> => (await range.innerText()).split(" to ")[1]!;
  const row = page.locator("section", { hasText: "Pools" }).locator("tbody tr").getByRole("button").first();
  await row.click();
  const clicked = await end();
  await waitFor("a later figure", async () => (await end()) !== clicked);
  await page.getByRole("button", { name: "Mark the oldest" }).focus();
  await reader.press("Tab");
  expect(await row.evaluate((element) => element === document.activeElement)).toBe(true);
  const held = await end();
  await sleep(2100);
  expect(await end()).toBe(held);
  await reader.press("1");
});

test("in the past nothing of now is outlined, asked for or offered, and the panels say so", async () => {
  const outline = css(THEMES.light.layers.cached);
  const asked = (path: string): number => opened.requests.filter((url) => url.endsWith(path)).length;
  await reader.press("Escape", "0", "2");
  await page.locator(".named-block").first().waitFor();
  await waitFor("outlines", async () => (await mapColors(page)).all.includes(outline));
  await reader.press("[");
  await reader.badge("paused");
  await page.locator(".panel .notice", { hasText: "not of the moment on the map" }).waitFor();
  expect(await page.locator(".named-block").count()).toBeGreaterThan(3);
  await waitFor("no outlines", async () => !(await mapColors(page)).all.includes(outline));
  await picture(page, "pinned-paused");
  await reader.press("3");
  await page.locator(".panel .notice", { hasText: "of which this is not known" }).waitFor();
  expect(await page.getByRole("button", { name: "Trim now" }).count()).toBe(0);
  const before = [asked("/api/pinned?limit=40"), asked("/api/waste")];
  await reader.press("2");
  await sleep(REFRESH_MS + 500);
  expect([asked("/api/pinned?limit=40"), asked("/api/waste")]).toEqual(before);
  expect((await mapColors(page)).all).not.toContain(outline);
  await reader.press(" ");
  await reader.badge("live");
  await waitFor("outlines again", async () => (await mapColors(page)).all.includes(outline));
  expect(await page.locator(".panel .notice").count()).toBe(0);
  expect(opened.errors).toEqual([]);
});
