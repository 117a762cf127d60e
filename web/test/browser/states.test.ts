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
    await reader.press("c", "c", "c");
    await reader.goTo(facts.objects["str"]!);
    await waitFor("the type", async () => (await reader.pinnedTitle()) === "str");
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
