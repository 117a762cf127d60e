// Numbers, addresses and times as a person reads them. Pure; called by everything that shows text.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

// 1.42 GiB, 12.3 MiB, 640 B: three figures.
export function bytes(value: number): string {
  const sign = value < 0 ? "−" : "";
  let left = Math.abs(value);
  let unit = 0;
  while (left >= 1023.5 && unit < UNITS.length - 1) {
    left /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || left >= 99.95 ? 0 : left >= 9.995 ? 1 : 2;
  return `${sign}${left.toFixed(digits)} ${UNITS[unit]}`;
}

export function signedBytes(value: number): string {
  return value > 0 ? `+${bytes(value)}` : bytes(value);
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US").replace("-", "−");
}

export function signedCount(value: number): string {
  return value > 0 ? `+${count(value)}` : count(value);
}

// "1 block", "2 blocks".
export function counted(value: number, thing: string): string {
  return `${count(value)} ${thing}${value === 1 ? "" : "s"}`;
}

// Of a set of pages as the server tells it, a hexadecimal number with a bit for each.
export function pages(bits: string, all: number): string {
  let set = 0;
  for (let left = BigInt(bits); left > 0n; left >>= 1n) set += Number(left & 1n);
  return set === 0 ? "none" : `${set} of ${all}`;
}

// Of a block, exactly: sizes differ by less than three figures show.
export function blockBytes(value: number): string {
  return `${count(value)} B`;
}

export function percent(part: number, whole: number): string {
  if (whole <= 0) return "0 %";
  const value = (100 * part) / whole;
  return `${value >= 9.95 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
}

export function address(value: number): string {
  return `0x${value.toString(16)}`;
}

// 0x7f…, or bare hexadecimal digits of an address's length; nothing for other text.
export function parseAddress(text: string): number | null {
  const match = /^\s*(?:0x([0-9a-f]{1,14})|([0-9a-f]{9,14}))\s*$/i.exec(text);
  if (!match) return null;
  const value = parseInt(match[1] ?? match[2] ?? "", 16);
  return Number.isSafeInteger(value) ? value : null;
}

// A command line without the folders of what it names.
export function shortCommand(command: string): string {
  return command.split(" ").map((word) => (word.startsWith("/") ? word.split("/").pop() || word : word)).join(" ");
}

// Of a type: std::map<int, a::b> is map, (anonymous namespace)::Node is Node, package.Class is Class.
export function lastPart(type: string): string {
  let depth = 0;
  let plain = "";
  for (const letter of type) {
    if ("<(".includes(letter)) depth += 1;
    if (depth === 0) plain += letter;
    if (">)".includes(letter)) depth -= 1;
  }
  return plain.split(/::|\./).filter(Boolean).pop() ?? type;
}

export function seconds(value: number): string {
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export function clock(epochMs: number): string {
  const time = new Date(epochMs);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
