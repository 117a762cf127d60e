// Where answers come from: the server that sent this page, or the bundle inside it (a page saved as a file).
//
// Called by feed.ts, blocks.ts and the panels. Invariant: the token stands in a header, never in a URL of ours, and is
// taken out of the address bar at once.
import {
  parseBlocks, parseBundle, parseFrame, type BlockDetail, type Blocks, type BlocksOf, type Frame, type Matches,
  type Pinned, type Target, type Types, type Waste,
} from "./protocol";
import { remember, remembered } from "./storage";

const TOKEN_KEY = "smallblock-token";

// status 0: the server did not answer.
export class ApiError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export interface Api {
  readonly isStatic: boolean;
  target(): Promise<Target>;
  frame(since: number): Promise<Frame>;
  blocks(units: number[], what: BlocksOf): Promise<Blocks>;
  block(address: string): Promise<BlockDetail>;
  types(): Promise<Types>;
  pinned(): Promise<Pinned>;
  waste(): Promise<Waste>;
  search(text: string): Promise<Matches>;
  trim(): Promise<void>;
}

// The token of this visit; nothing if the address never had one.
export function takeToken(): string | null {
  const url = new URL(location.href);
  const given = url.searchParams.get("token");
  if (given) {
    remember("sessionStorage", TOKEN_KEY, given);
    url.searchParams.delete("token");
    history.replaceState(null, "", url.pathname + url.search + url.hash);
    return given;
  }
  return remembered("sessionStorage", TOKEN_KEY);
}

export class HttpApi implements Api {
  readonly isStatic = false;
  constructor(private readonly token: string) {}

  target = (): Promise<Target> => this.json("/api/target");
  frame = async (since: number): Promise<Frame> => parseFrame(await this.bytes(`/api/frame?since=${since}`));
  blocks = async (units: number[], what: BlocksOf): Promise<Blocks> =>
    parseBlocks(await this.bytes(`/api/blocks?units=${units.join(",")}&what=${what}`), what);
  block = (address: string): Promise<BlockDetail> => this.json(`/api/block?address=${address}`);
  types = (): Promise<Types> => this.json("/api/types");
  pinned = (): Promise<Pinned> => this.json("/api/pinned?limit=40");
  waste = (): Promise<Waste> => this.json("/api/waste");
  search = (text: string): Promise<Matches> => this.json(`/api/search?q=${encodeURIComponent(text)}`);
  trim = async (): Promise<void> => void (await this.ask("/api/trim", "POST"));

  private async ask(path: string, method = "GET"): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(path, { method, headers: { "X-Smallblock-Token": this.token }, cache: "no-store" });
    } catch {
      throw new ApiError(0, "smallblock view does not answer");
    }
    if (!answer.ok) throw new ApiError(answer.status, await sentenceOf(answer));
    return answer;
  }
  private async json<T>(path: string): Promise<T> {
    return (await (await this.ask(path)).json()) as T;
  }
  private async bytes(path: string): Promise<ArrayBuffer> {
    return (await this.ask(path)).arrayBuffer();
  }
}

async function sentenceOf(answer: Response): Promise<string> {
  try {
    const body = (await answer.json()) as { error?: string };
    if (body.error) return body.error;
  } catch {
    // Not JSON: the status says it.
  }
  return `the server answered ${answer.status}`;
}

export class BundleApi implements Api {
  readonly isStatic = true;
  constructor(private readonly entries: Map<string, ArrayBuffer>) {}

  target = async (): Promise<Target> => this.json("/api/target");
  // One moment is all there is: changes never come.
  frame = (since: number): Promise<Frame> =>
    since === 0 ? Promise.resolve(parseFrame(this.entry("/api/frame?since=0"))) : new Promise(() => undefined);
  async blocks(units: number[], what: BlocksOf): Promise<Blocks> {
    const all: Blocks = { frame: 1, pools: [], types: [] };
    for (const unit of units) {
      const found = this.entries.get(`/api/blocks?units=${unit}&what=${what}`);
      if (!found) continue;
      const one = parseBlocks(found, what);
      const shift = all.types.length;
      all.types.push(...one.types);
      for (const pool of one.pools) {
        if (shift > 0 && what === "type") pool.values = pool.values.map((id) => id + shift);
        all.pools.push(pool);
      }
      all.frame = one.frame;
    }
    return all;
  }
  block = async (): Promise<BlockDetail> => {
    throw new ApiError(404, "a saved page has no contents of blocks");
  };
  types = async (): Promise<Types> => this.json("/api/types");
  pinned = async (): Promise<Pinned> => this.json("/api/pinned");
  waste = async (): Promise<Waste> => this.json("/api/waste");
  search = async (): Promise<Matches> => ({ matches: [], more: false });
  trim = async (): Promise<void> => {
    throw new ApiError(403, "a saved page has no program to trim");
  };

  private entry(path: string): ArrayBuffer {
    const found = this.entries.get(path);
    if (!found) throw new ApiError(404, "this saved page does not have that");
    return found;
  }
  private json<T>(path: string): T {
    return JSON.parse(new TextDecoder().decode(this.entry(path))) as T;
  }
}

// Nothing if the page came from a server. Throws if what the page holds cannot be unpacked.
export async function openBundle(): Promise<BundleApi | null> {
  const text = document.getElementById("smallblock-data")?.textContent?.trim() ?? "";
  if (text === "") return null;
  if (typeof DecompressionStream === "undefined") throw new Error("This browser cannot unpack the heap in this page: open it in a newer one.");
  try {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new BundleApi(parseBundle(await new Response(stream).arrayBuffer()));
  } catch {
    throw new Error("The heap in this page is damaged: write the page again, with smallblock view --output.");
  }
}
