// Pages of `smallblock view` when something is not as it should be: no token, no blocks, a program that ended or became
// another, a command that ended; and the page in a file, without a command.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { mapColors, openBrowser, openPage, picture } from "./browser";
import { Reader, waitFor } from "./reader";
import { endAll, named, Program, Running, View } from "./targets";

const SMALL = { width: 1110, height: 700 };
let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterEach(endAll);
afterAll(() => browser?.close());

async function lookAt(pid: number, ...words: string[]) {
  const view = await View.of("--rate", "4", ...words, String(pid));
  const opened = await openPage(browser, view.url, SMALL);
  const reader = new Reader(opened.page);
  await reader.badge("live");
  return { ...opened, view, reader };
}

test("without its token nothing is shown, with it also after a reload", async () => {
  const { program } = await Program.python();
  const { page, view, reader } = await lookAt(program.pid);
  expect(page.url()).toBe(`${view.base}/`);  // the token is out of sight
  await page.reload();
  await reader.badge("live");
  expect(await page.getByRole("button", { name: "Trim now" }).count()).toBe(0);
  await reader.press("3");
  await page.locator(".hint", { hasText: "--allow-actions" }).waitFor();
  for (const address of ["/", "/?token=0123456789abcdef0123456789abcdef"]) {
    const { page: stranger } = await openPage(browser, view.base + address, SMALL);
    expect(await stranger.innerText("body")).toContain("Token missing");
    expect(await stranger.locator("canvas").count()).toBe(0);
    if (address === "/") await picture(stranger, "no-token");
    await stranger.context().close();
  }
  await page.context().close();
});

test("a program that ends leaves its last picture, and the page says so", async () => {
  const { program } = await Program.python();
  const { page, view, reader, errors } = await lookAt(program.pid);
  const colors = (await mapColors(page)).distinct;
  program.tell("end");
  await reader.badge("exited");
  await page.locator(".banner", { hasText: `Process ${program.pid} ended` }).waitFor();
  expect((await mapColors(page)).distinct).toBeGreaterThan(colors / 2);
  expect(await reader.liveBlocks()).toBeGreaterThan(1000);
  await picture(page, "exited");
  expect(errors).toEqual([]);
  await view.end();
  await reader.badge("no answer");
  await page.locator(".banner", { hasText: "smallblock view does not answer" }).waitFor();
  await picture(page, "no-answer");
  await page.context().close();
});

test("a graphics card that goes and comes back leaves the map as it was", async () => {
  const { program, facts } = await Program.python();
  const { page, reader } = await lookAt(program.pid);
  await reader.goTo(facts.objects["bytes"]!);  // single blocks are on the card too
  const points = Array.from({ length: 400 }, (_, at): [number, number] => [20 + (at % 20) * 35, 20 + Math.floor(at / 20) * 12]);
  let before = await mapColors(page, points);
  await waitFor("a map at rest", async () => {
    const last = before.at.join();
    before = await mapColors(page, points);
    return new Set(before.at).size > 1 && before.at.join() === last;  // how many more depends on what lies round the block
  });
  const card = await page.evaluateHandle(() => document.querySelector<HTMLCanvasElement>(".map-canvas")!.getContext("webgl2")!.getExtension("WEBGL_lose_context")!);
  await card.evaluate((extension) => extension.loseContext());
  const note = page.locator(".map-lost", { hasText: "waits for the graphics card" });
  await note.waitFor();
  await picture(page, "card-lost");
  await card.evaluate((extension) => extension.restoreContext());
  await note.waitFor({ state: "hidden" });
  await waitFor("the map as before", async () => (await mapColors(page, points)).at.join() === before.at.join());
  await page.context().close();
});

test("a program that becomes another is lost", async () => {
  const { program } = await Program.python();
  const { page, reader } = await lookAt(program.pid);
  program.tell("other");
  await reader.badge("lost");
  await page.locator(".banner", { hasText: "can no longer be read" }).waitFor();
  await picture(page, "lost");
  await page.context().close();
});

test("a script that becomes the program is followed", async () => {
  const program = "import time; kept = [str(number) for number in range(20000)]; time.sleep(60)";
  const view = await View.of("--rate", "4", "--", "sh", "-c", `read go; exec "$0" -c "${program}"`, named("SMALLBLOCK_PYTHON_FOUND"));
  const { page, errors } = await openPage(browser, view.url, SMALL);
  const reader = new Reader(page);
  await page.locator(".header-command", { hasText: /^sh / }).waitFor();
  view.child.stdin!.write("go\n");
  await page.locator(".header-command", { hasText: /^python/ }).waitFor();
  await waitFor("its objects", async () => (await reader.liveBlocks()) > 20_000);
  await reader.badge("live");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a heap without a block is called so", async () => {
  const program = new Running([named("SMALLBLOCK_EMPTY_PROGRAM")]);
  await program.line();
  const { page, errors } = await lookAt(program.pid);
  await page.locator(".empty-note", { hasText: "No pool is in use" }).waitFor();
  await picture(page, "empty");
  expect(errors).toEqual([]);
  await page.context().close();
});

test("a snapshot has neither bytes nor ages, and the page makes none up", async () => {
  const { program, facts } = await Program.python();
  const folder = mkdtempSync(join(tmpdir(), "smallblock-page-"));
  try {
    const file = join(folder, "heap.snapshot");
    await new Running([named("SMALLBLOCK_COMMAND"), "snapshot", String(program.pid), "-o", file]).line();
    const view = await View.of(file);
    const { page, errors } = await openPage(browser, view.url, SMALL);
    const reader = new Reader(page);
    await reader.badge("snapshot");
    await reader.goTo(facts.objects["str"]!);
    await page.locator(".panel .hint", { hasText: "A snapshot has no contents of blocks." }).waitFor();
    expect(await reader.fact("type")).toBe("str");
    expect(await reader.fact("idle pages")).toMatch(/^(none|\d+ of \d+)$/);
    expect(await reader.fact("purged pages")).toMatch(/^(none|\d+ of \d+)$/);
    const panel = await page.locator(".panel").innerText();
    for (const word of ["First bytes", "viewer"]) expect(panel).not.toContain(word);
    const { x, y } = await reader.middle();
    await page.mouse.move(x, y);
    await page.locator(".tooltip", { hasText: /unchanged\s*since before this page looked/ }).waitFor();
    await picture(page, "snapshot");
    expect(errors).toEqual([]);
    await page.context().close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("names as long as C++ makes them leave room for every key, in any window", async () => {
  const long = "Long".repeat(50);
  const script = `import sys; kept = [type("${long}", (), {"__slots__": ()}) for _ in range(1)]; kept += [kept[0]() for _ in range(20000)]; print("ready", flush=True); sys.stdin.read()`;
  const program = await Program.of(named("SMALLBLOCK_PYTHON_FOUND"), "-c", script);
  const view = await View.of("--rate", "4", String(program.pid));
  for (const width of [1280, 800, 320]) {
    const { page } = await openPage(browser, view.url, { width, height: 800 });
    const reader = new Reader(page);
    await reader.badge("live");
    await reader.press("c", "c", "c");
    const name = page.locator(`.legend-name[title$="${long}"]`);
    await name.waitFor();
    expect(await name.evaluate((each) => each.scrollWidth > each.clientWidth), "it is cut").toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const legend = (await page.locator(".legend").boundingBox())!;
    const keys = page.locator(".legend-key");
    expect((await keys.allInnerTexts()).slice(-4)).toEqual(["live", "in a magazine", "free", "purged"]);
    for (const key of await keys.all()) {
      const box = (await key.boundingBox())!;
      expect(box.x + box.width).toBeLessThanOrEqual(legend.x + legend.width);
      expect(box.y + box.height).toBeLessThanOrEqual(legend.y + legend.height);
    }
    const lines = await Promise.all(["dark or light", "keys"].map(async (says) => (await page.getByRole("button", { name: says, exact: true }).boundingBox())!.y));
    expect(lines[0], "buttons stand in one line").toBe(lines[1]);
    expect((await page.locator(".map").boundingBox())!.height, "the map is there too").toBeGreaterThan(190);
    await picture(page, `long-names-${width}`);
    if (width === 1280) {
      await reader.press("5");
      await page.locator(".panel").getByRole("button", { name: long }).click();
      await page.locator(".search-list .named-block", { hasText: long }).first().waitFor();
    }
    await page.context().close();
  }
});

test("a page in a file shows the same without a command", async () => {
  const { program, facts } = await Program.python();
  const folder = mkdtempSync(join(tmpdir(), "smallblock-page-"));
  try {
    const file = join(folder, "heap.html");
    const writer = new Running([named("SMALLBLOCK_COMMAND"), "view", String(program.pid), "--output", file]);
    expect(await writer.line()).toBe(`wrote ${file}`);
    await program.end();
    const { page, errors, requests } = await openPage(browser, `file://${file}`, SMALL);
    const reader = new Reader(page);
    await reader.badge("saved");
    expect(await page.locator(".timeline").count()).toBe(0);
    await waitFor("a map", async () => (await mapColors(page)).distinct > 30);
    await reader.goTo(facts.objects["str"]!);
    await waitFor("the type, which the map does not show", async () => (await reader.pinnedTitle()) === "str");
    expect(await reader.fact("type")).toBe("str");
    await reader.press("c", "c", "c");
    await reader.press("2");
    await page.locator(".named-block", { has: page.locator("span", { hasText: /^__main__\.Planted$/ }) }).first().waitFor();
    await picture(page, "saved-page");
    await reader.press("3");
    await page.locator(".figure", { hasText: "would have given back then" }).waitFor();
    expect(await page.locator(".panel").innerText()).not.toContain("--allow-actions");
    await reader.press("4");
    await page.locator(".hint", { hasText: "one moment only" }).waitFor();
    expect(await page.getByRole("button", { name: "Mark" }).count()).toBe(0);
    expect(errors).toEqual([]);
    expect(requests.filter((url) => !/^(file|data|blob):/.test(url))).toEqual([]);
    await page.context().close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
