// The pictures of docs/seeing-the-heap.md: the real page on the worker orders.py. Run by docs/make-screenshots.
import { afterAll, test } from "vitest";
import { openBrowser, openPage, picture } from "../browser/browser";
import { Reader, sleep, waitFor } from "../browser/reader";
import { endAll, Program, View } from "../browser/targets";

const TYPES_EVERY_MS = 11_000;

afterAll(endAll);

test("the pictures", async () => {
  const { program, facts } = await Program.python();
  const view = await View.of("--rate", "4", "--allow-actions", String(program.pid));
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser, view.url, { dark: true });
    const reader = new Reader(page);
    await reader.badge("live");
    await waitFor("types", async () => (await page.locator(".stack-row").last().innerText()).includes("tuple"));
    for (let round = 0; round < 3; round += 1) {
      await program.does("grow");
      await sleep(1500);
    }
    await program.does("drop");
    await reader.press("c", "c", "c", "5");
    await page.locator(".panel tbody tr", { hasText: "Order" }).waitFor();
    await sleep(3000);
    await picture(page, "types");

    const counted = (): Promise<string> => page.locator(".panel .hint").first().innerText();
    const before = await counted();
    await waitFor("a count at the mark", async () => (await counted()) !== before);
    await reader.press("m", "4");
    await program.does("grow");
    await sleep(TYPES_EVERY_MS);
    await waitFor("types that grew", async () => (await page.locator(".panel").innerText()).includes("As counted at"));
    await picture(page, "growth");

    await reader.press("2");
    await page.locator(".named-block").first().waitFor();
    await sleep(1500);
    await picture(page, "pinned");

    await reader.press("d", "1");
    await reader.goTo(facts.objects["str"]!);
    await sleep(2000);
    const { x, y } = await reader.middle();
    await page.mouse.move(x + 14, y + 14);
    await page.locator(".tooltip", { hasText: "item" }).waitFor();
    await picture(page, "block");
  } finally {
    await browser.close();
  }
}, 240_000);
