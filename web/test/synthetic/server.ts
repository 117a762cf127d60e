// A server of the protocol on 127.0.0.1 around a made-up heap, and the built page under the policy that the real one sends.
//
// Called by the browser tests. `trouble` lets a test make it refuse, fall silent or lose its target.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SyntheticHeap, TYPES, UNIT_BYTES, FIRST_UNIT } from "./heap";

export const TOKEN = "0123456789abcdef0123456789abcdef";

export interface Options { blocks: number; hz?: number; poolsPerFrame?: number; actions?: boolean; command?: string }

export class SyntheticServer {
  readonly heap: SyntheticHeap;
  trims = 0;
  requests: string[] = [];
  private readonly server: Server;
  private readonly timer: NodeJS.Timeout;
  private readonly policy: string;

  constructor(private readonly page: Buffer, private readonly options: Options) {
    this.heap = new SyntheticHeap(options.blocks);
    const scripts = [...page.toString().matchAll(/<script[^>]*>([^]*?)<\/script/g)].map((match) => `'sha256-${createHash("sha256").update(match[1]).digest("base64")}'`);
    this.policy = `default-src 'none'; script-src ${scripts.join(" ")}; style-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    this.server = createServer((request, response) => void this.answer(request, response));
    this.timer = setInterval(() => {
      if (this.heap.state === "live") this.heap.advance(options.poolsPerFrame ?? 40);
    }, 1000 / (options.hz ?? 2));
  }

  static async start(pageFile: string, options: Options): Promise<SyntheticServer> {
    const server = new SyntheticServer(readFileSync(pageFile), options);
    await new Promise<void>((resolve) => server.server.listen(0, "127.0.0.1", resolve));
    return server;
  }
  get url(): string {
    return `${this.base}/?token=${TOKEN}`;
  }
  get base(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  end(state: "exited" | "lost"): void {
    this.heap.frame += 1;
    this.heap.state = state;
  }
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.base);
    this.requests.push(url.pathname + url.search);
    const send = (status: number, body: Buffer | object): void => {
      const isBytes = Buffer.isBuffer(body);
      response.writeHead(status, { "Content-Type": isBytes ? "application/octet-stream" : "application/json" });
      response.end(isBytes ? body : JSON.stringify(body));
    };
    if (url.pathname === "/") {
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": this.policy });
      response.end(this.page);
      return;
    }
    if (request.headers["x-smallblock-token"] !== TOKEN) return send(403, { error: "the token is missing or wrong" });
    const parameter = (name: string): string => url.searchParams.get(name) ?? "";
    switch (url.pathname) {
      case "/api/target":
        return send(200, { kind: "process", pid: 4242, command: this.options.command ?? "python3 server.py --workers 4", python: "3.12", actions: this.options.actions ?? false, rate_hz: this.options.hz ?? 2, geometry: this.heap.geometry });
      case "/api/frame": {
        const since = Number(parameter("since"));
        for (let waited = 0; waited < 2000 && since === this.heap.frame; waited += 25) await new Promise((resolve) => setTimeout(resolve, 25));
        return send(200, this.heap.frameBytes(since));
      }
      case "/api/blocks":
        return send(200, this.heap.blockBytes(parameter("units").split(",").map(Number), parameter("what")));
      case "/api/block":
        return this.block(Number(parameter("address")), send);
      case "/api/types":
        return send(200, { frame: this.heap.frame, types: TYPES.slice(1).map((name, at) => ({ name, blocks: 400000 - at * 31000 + this.heap.frame, bytes: (400000 - at * 31000) * 64 })).concat({ name: "unknown", blocks: 9000, bytes: 800000 }) });
      case "/api/pinned":
        return send(200, this.pinned());
      case "/api/waste":
        return send(200, this.waste());
      case "/api/search":
        return send(200, { matches: this.matches(parameter("q")), more: false });
      case "/api/trim":
        if (!this.options.actions || request.method !== "POST") return send(403, { error: "this view only looks" });
        this.trims += 1;
        return send(200, { asked: true });
      default:
        return send(404, { error: "there is nothing at this path" });
    }
  }

  addressOf(unit: number, block: number): string {
    return `0x${(FIRST_UNIT + unit * UNIT_BYTES + block * this.heap.geometry.classes[this.heap.units[unit].class].block_bytes).toString(16)}`;
  }
  named(unit: number, block: number): { address: string; type: string; value: string; state: string } {
    const type = TYPES[this.heap.typeOf(unit, block)];
    return { address: this.addressOf(unit, block), type, value: type === "str" ? `'text ${block}'` : type === "int" ? `${unit * 1000 + block}` : "", state: ["free", "live", "cached", "purged"][this.heap.stateOf(unit, block)] };
  }
  private block(address: number, send: (status: number, body: object) => void): void {
    const unit = Math.floor((address - FIRST_UNIT) / UNIT_BYTES);
    let head = unit;
    while (head > 0 && this.heap.units[head]?.class && !(this.heap.units[head].flags & 1)) head -= 1;
    const pool = this.heap.units[head];
    if (!pool?.class) return send(404, { error: "no block is at this address" });
    const shape = this.heap.geometry.classes[pool.class];
    const block = Math.floor((address - FIRST_UNIT - head * UNIT_BYTES) / shape.block_bytes);
    const neighbours = Array.from({ length: 17 }, (_, at) => block - 8 + at).filter((other) => other >= 0 && other < shape.capacity && other !== block).map((other) => this.named(head, other));
    send(200, {
      ...this.named(head, block), arena: Math.floor(head / 64), unit: head, class: pool.class, block_bytes: shape.block_bytes, block, capacity: shape.capacity, age_s: 17,
      size_bytes: shape.block_bytes - 8, object_offset: 16, gc_header: true, hex: "0100000000000000e0a7955500000000".repeat(4),
      pool: { address: this.addressOf(head, 0), live: pool.live, cached: pool.cached, free: pool.free, purged: pool.purged, owner: 0, purged_pages: 0, idle_pages: 1 }, neighbours,
    });
  }
  private pinned(): object {
    const heads = this.heap.units.map((unit, index) => ({ unit, index })).filter(({ unit }) => unit.flags & 1 && unit.live > 0 && unit.live < 3).slice(0, 20);
    const pools = heads.map(({ unit, index }) => {
      const { capacity, block_bytes, units } = this.heap.geometry.classes[unit.class];
      const live = Array.from({ length: capacity }, (_, block) => block).filter((block) => this.heap.stateOf(index, block) === 1);
      return { unit: index, class: unit.class, block_bytes, live: unit.live, kept_bytes: units * UNIT_BYTES - unit.live * block_bytes, blocks: live.slice(0, 8).map((block) => this.named(index, block)) };
    });
    const arenas = pools.slice(0, 3).map((pool) => ({ arena: Math.floor(pool.unit / 64), address: this.addressOf(pool.unit, 0), live_blocks: pool.live, live_bytes: pool.live * pool.block_bytes, kept_bytes: 1 << 20, pools: [pool] }));
    return { arenas, pools };
  }
  private waste(): object {
    const { classes, layers } = this.heap.head(0, 0);
    const rows = classes.map(([pools, live, cached, free, purged], index) => {
      const { block_bytes, capacity, units } = this.heap.geometry.classes[index];
      return { class: index, block_bytes, free_bytes: free * block_bytes, tail_bytes: pools * (units * UNIT_BYTES - capacity * block_bytes), purged_bytes: purged * block_bytes, cached_bytes: cached * block_bytes, live_bytes: live * block_bytes, pools };
    }).filter((row) => row.pools > 0);
    return { classes: rows, trim_returns_bytes: this.trims > 0 ? 0 : layers.empty_resident + layers.cached };
  }
  private matches(text: string): object[] {
    const found: object[] = [];
    this.heap.units.slice(0, 400).forEach((unit, index) => {
      if (!(unit.flags & 1)) return;
      for (let block = 0; block < 20 && found.length < 60; block += 1) {
        const named = this.named(index, block);
        if (named.state === "live" && named.type.toLowerCase().includes(text.toLowerCase())) found.push({ ...named, unit: index, block });
      }
    });
    return found;
  }
}
