// The page by its keys and by the names that a screen reader says; and what pauses while a moment of the past is shown.
import type { Browser, Page, Response } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { css, THEMES } from "../../src/palette";
import type { Types } from "../../src/protocol";
import { mapColors, openBrowser, openPage, picture, QUICK, QUICKENED, type Opened } from "./browser";
import { Reader, sleep, waitFor } from "./reader";
import { endAll, Program, View, type Facts } from "./targets";

const REFRESH_MS = 4000 / QUICK;
const GROWTH_MS = 500;
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
  opened = await openPage(browser, view.url, { first: QUICKENED });
  page = opened.page;
  reader = new Reader(page);
  await reader.badge("live");
});
afterAll(async () => {
  await browser?.close();
  await endAll();
});

// Notes what the panel shows; and whether that still stands there, or was drawn anew.
const old = (): Promise<void> => page.locator(".panel button:focus").evaluate((element) => element.setAttribute("data-old", ""));
const isOld = async (): Promise<boolean> => (await page.locator("[data-old]").count()) > 0;
const focused = (): Promise<string | null> => page.evaluate(() => document.activeElement!.matches(":focus-visible") ? document.activeElement!.textContent : "nothing that is seen");

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
  expect(await page.getByRole("heading", { level: 1 }).allInnerTexts()).toEqual(["smallblock"]);
  expect(await page.getByRole("region", { name: "Memory over time" }).count()).toBe(1);
  await page.getByRole("button", { name: "keys", exact: true }).click();
  await page.getByRole("button", { name: "close", exact: true }).click();
  await page.getByRole("application", { name: /^Map of the heap/ }).focus();
  await reader.press("0");
  await waitFor("the focus seen round the map", async () => (await mapColors(page, [[1, 100]])).at[0] === "rgb(0 114 178)");
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
  const times = async (): Promise<string[]> => (await range.innerText()).split(/from | to /).slice(1);
  await waitFor("a second between", async () => new Set(await times()).size === 2);
  const [before] = await times();
  await page.getByRole("button", { name: "Mark this moment" }).click();
  await waitFor("another mark", async () => (await times())[0] !== before);
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
  await old();
  await sleep(GROWTH_MS * 2.5);
  expect(await isOld()).toBe(true);
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
});

test("what is drawn anew keeps the keyboard where it was", async () => {
  // Notes what is on, draws it anew by `change`, and looks what is on then.
  const kept = async (what: string, change: () => Promise<void>): Promise<void> => {
    const before = await focused();
    await old();
    await change();
    await waitFor(`${what} drawn anew`, async () => !(await isOld()));
    expect(await focused(), what).toBe(before);
  };
  const back = async (): Promise<void> => {
    await reader.press("[");
    await reader.badge("paused");
  };
  const live = async (): Promise<void> => {
    await reader.press("Escape");
    await reader.badge("live");
  };
  // Newer answers do not take it from under the hand.
  const held = async (path: string, isNewer: (answer: Response) => Promise<boolean>): Promise<void> => {
    await old();
    await page.waitForResponse(async (response) => response.url().endsWith(path) && isNewer(response));
    await sleep(100);
    expect(await isOld(), path).toBe(true);
  };
  await reader.press("Escape", "2");  // nothing is pinned
  await page.locator(".named-block").nth(2).focus();
  await kept("pinned, paused", back);
  await kept("pinned, live", live);
  await held("/api/pinned?limit=40", async () => true);
  await page.locator(".card-title").nth(1).focus();
  await kept("a pool, paused", back);
  await live();
  await reader.press("3");
  const trim = page.getByRole("button", { name: "Trim now" });
  await trim.focus();
  await kept("waste, later", async () => {});
  await kept("waste, trimmed", () => reader.press("Enter"));
  await back();
  await waitFor("the panel instead of what is gone", async () => (await page.locator(".panel-body:focus").count()) === 1);
  await live();
  await reader.press("4");
  await page.locator("section", { hasText: "Pools" }).locator(".row-button").nth(1).focus();
  await kept("growth, another moment", back);
  await live();
  await reader.press("5");
  await page.locator("tr.link .row-button").nth(3).focus();
  await kept("types, dark", () => reader.press("d"));
  let first = 0;
  await held("/api/types", async (answer) => {
    const { frame } = (await answer.json()) as Types;
    first ||= frame;
    return frame !== first;  // the server counts every two seconds
  });
  await reader.press("d", "1");
  await reader.goTo(facts.objects["str"]!);
  await page.getByRole("button", { name: "Show" }).focus();
  await kept("a block, dark", () => reader.press("d"));
  await reader.press("d");
  expect(opened.errors).toEqual([]);
});

test("every column has a name", async () => {
  for (const panel of ["3", "5"]) {
    await reader.press(panel);
    await page.locator(".panel th").first().waitFor();
    expect(await page.locator(".panel th").allInnerTexts()).not.toContain("");
  }
  await reader.press("1");
});
