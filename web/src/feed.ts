// Keeps the store fed: frames one after another, and the sums by type now and then.
//
// Called once by main.ts. The server holds a request until there is news, so this is no busy loop. Invariant: one
// request for frames at a time, so deltas arrive in their order.
import { ApiError, type Api } from "./api";
import type { Store } from "./store";

const RETRY_MS = 1000;
const QUIET_MS = 250;
const TYPES_EVERY_MS = 10_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// Ends when the token is refused, or the process has become another program, which it tells.
export async function feedFrames(api: Api, store: Store, refused: (sentence: string) => void, replaced: () => void): Promise<void> {
  for (;;) {
    try {
      const before = store.live.frame;
      const frame = await api.frame(before);
      if (frame.head.program !== store.target.program) {
        replaced();
        return;
      }
      store.setConnection("ok");
      store.receive(frame);
      if (store.live.frame === before) await sleep(QUIET_MS);
    } catch (error) {
      if (error instanceof ApiError && error.status === 403) {
        refused(error.message);
        return;
      }
      if (!(error instanceof ApiError)) console.error(error);
      store.setConnection("gone");
      await sleep(RETRY_MS);
    }
  }
}

// Counting types reads every live block of the target: seldom, and not for a page that nobody sees. The first answer may
// overtake the first frame, without which nobody knows of when it is.
export async function feedTypes(api: Api, store: Store): Promise<void> {
  const begun = new Promise<void>((resolve) => store.on("figures", () => resolve()));
  for (;;) {
    if (!document.hidden && store.state === "live" && store.connection === "ok") {
      try {
        const { frame, types } = await api.types();
        await begun;
        store.addTypes(frame, types);
      } catch {
        // Types are not to be had now; the frames say why.
      }
    }
    if (api.isStatic) return;
    await sleep(TYPES_EVERY_MS);
  }
}
