// Real programs under smallblock, and `smallblock view` of them; all end with the test that started them.
//
// Programs speak in lines of JSON (tests/view/viewed_program.py). CTest says where things are: SMALLBLOCK_COMMAND,
// SMALLBLOCK_PYTHON_PROGRAM and SMALLBLOCK_EMPTY_PROGRAM, SMALLBLOCK_PYTHON_FOUND.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";

export function named(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run this with ctest -R view.browser`);
  return value;
}

const started: Running[] = [];

// The newest first; a process that does not end by itself within its input's end is killed.
export async function endAll(): Promise<void> {
  for (const each of started.splice(0).reverse()) await each.end();
}

export class Running {
  readonly child: ChildProcess;
  private readonly lines: Interface;
  private readonly waiting: AsyncIterator<string>;
  private errors = "";

  constructor(words: string[], settings: Record<string, string> = {}) {
    const plain = Object.entries(process.env).filter(([name]) => !name.startsWith("SMALLBLOCK_"));
    const environment = { ...Object.fromEntries(plain), ...settings };
    this.child = spawn(words[0]!, words.slice(1), { stdio: ["pipe", "pipe", "pipe"], env: environment });
    this.child.stderr!.on("data", (part: Buffer) => (this.errors += part.toString()));
    this.lines = createInterface({ input: this.child.stdout! });
    this.waiting = this.lines[Symbol.asyncIterator]();
    started.push(this);
  }
  get pid(): number {
    return this.child.pid!;
  }
  async line(): Promise<string> {
    const { value, done } = await this.waiting.next();
    if (done) throw new Error(`${this.child.spawnargs.join(" ")} ended: ${this.errors}`);
    return value;
  }
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}

export interface Facts { objects: Record<string, string>; planted: string[] }

export class Program extends Running {
  said = "";
  // bench/view/heap_program.c, or the like of it. Nothing goes back by itself: that is for a trim to do.
  static async of(...words: string[]): Promise<Program> {
    const program = new Program([named("SMALLBLOCK_COMMAND"), "run", ...words], { SMALLBLOCK_DECAY_MS: "-1" });
    program.said = await program.line();
    return program;
  }
  static async python(): Promise<{ program: Program; facts: Facts }> {
    const program = await Program.of(named("SMALLBLOCK_PYTHON_FOUND"), named("SMALLBLOCK_PYTHON_PROGRAM"));
    return { program, facts: JSON.parse(program.said) as Facts };
  }
  // The heap program works for so many seconds of its processor time.
  work(seconds: number): void {
    this.child.stdin!.write("\n".repeat(seconds));
  }
  // Waits for the answer.
  async does(command: "grow" | "drop" | "work"): Promise<void> {
    this.child.stdin!.write(`${command}\n`);
    await this.line();
  }
  // It ends, or becomes another program.
  tell(command: "end" | "other"): void {
    this.child.stdin!.write(`${command}\n`);
  }
}

export class View extends Running {
  url = "";
  static async of(...words: string[]): Promise<View> {
    const view = new View([named("SMALLBLOCK_COMMAND"), "view", "--no-browser", ...words]);
    view.url = await view.line();
    return view;
  }
  get base(): string {
    return new URL(this.url).origin;
  }
}
