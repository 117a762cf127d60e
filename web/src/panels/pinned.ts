// What pins memory: arenas and pools that a few blocks keep, with those blocks by name. Called by main.ts.
//
// Invariant: pools are outlined on the map only while it shows the heap that they were found in, the live one.
import type { Api } from "../api";
import { button, h, refill } from "../dom";
import { blockBytes, bytes, count, counted } from "../format";
import { namedBlock } from "../named_block";
import { UNITS_PER_ARENA, type NamedBlock, type Pinned, type PinnedArena, type PinnedPool } from "../protocol";
import type { Store } from "../store";
import type { Panel } from "./panels";
import { Refresh } from "./refresh";

const keeps = (blocks: number): string => (blocks === 1 ? "keeps" : "keep");

export class PinnedPanel implements Panel {
  readonly name = "Pinned";
  readonly element = h("div", "panel");
  onAddress: (address: number) => void = () => undefined;
  onArena: (arena: number) => void = () => undefined;
  onPool: (unit: number) => void = () => undefined;
  onPools: (units: number[]) => void = () => undefined;
  private readonly refresh: Refresh<Pinned>;

  constructor(api: Api, private readonly store: Store) {
    this.refresh = new Refresh(() => api.pinned(), (answer) => this.draw(answer), this.element, store, api);
  }
  shown(): void {
    this.refresh.start();
  }
  hidden(): void {
    this.refresh.stop();
    this.onPools([]);
  }

  private draw(answer: Pinned): void {
    const hint = h("p", "hint", "A pool's memory can go back only when its last block is freed, an arena's when its last pool is empty. These are kept by few blocks; those that keep most stand first.");
    const pools = answer.pools.slice(0, 24);
    const arenas = answer.arenas.slice(0, 12);
    refill(this.element, hint,
      h("section", "", h("h2", "", "Pools"), ...(pools.length > 0 ? pools.map((pool) => this.pool(pool)) : [h("p", "hint", "No pool is kept by few blocks.")])),
      h("section", "", h("h2", "", "Arenas"), ...(arenas.length > 0 ? arenas.map((arena) => this.arena(arena)) : [h("p", "hint", "No arena is kept by few blocks.")])));
    this.onPools(this.store.isPaused ? [] : pools.map((pool) => pool.unit));
  }

  private block(block: NamedBlock): HTMLElement {
    return namedBlock(block, () => this.onAddress(Number(block.address)));
  }
  private pool(pool: PinnedPool): HTMLElement {
    const title = button("", "card-title", () => this.onPool(pool.unit));
    title.dataset.key = `pool ${pool.unit}`;
    title.append(h("b", "", `${counted(pool.live, "block")} of ${blockBytes(pool.block_bytes)}`), h("span", "", pool.kept_bytes ? `${keeps(pool.live)} ${bytes(pool.kept_bytes)}` : `arena ${Math.floor(pool.unit / UNITS_PER_ARENA)}`));
    const more = pool.live - pool.blocks.length;
    return h("div", "card", title, ...pool.blocks.map((block) => this.block(block)), more > 0 && h("div", "sub", `and ${count(more)} more`));
  }
  private arena(arena: PinnedArena): HTMLElement {
    const title = button("", "card-title", () => this.onArena(arena.arena));
    title.dataset.key = `arena ${arena.arena}`;
    title.append(h("b", "", `Arena ${arena.arena}`), h("span", "", `${counted(arena.live_blocks, "block")} (${bytes(arena.live_bytes)}) ${keeps(arena.live_blocks)} ${bytes(arena.kept_bytes)}`));
    const blocks = arena.pools.flatMap((pool) => pool.blocks).slice(0, 8);
    return h("div", "card", title, ...blocks.map((block) => this.block(block)));
  }
}
