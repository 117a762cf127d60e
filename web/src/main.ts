// Puts the page together: where answers come from, what is known, what draws it, and which keys do what.
import { openBundle, ApiError, HttpApi, takeToken, type Api } from "./api";
import { Banner, EmptyNote, pageOfError, pageWithoutToken } from "./banner";
import { BlockCache } from "./blocks";
import { h } from "./dom";
import { shortCommand } from "./format";
import { feedFrames, feedTypes } from "./feed";
import { makeHeader } from "./header";
import { Keyboard, type Action } from "./keyboard";
import { Legend } from "./legend";
import { MapLayout, type Hit } from "./map/layout";
import { MapView } from "./map/map_view";
import { DetailPanel } from "./panels/detail";
import { GrowthPanel } from "./panels/growth";
import { Panels } from "./panels/panels";
import { PinnedPanel } from "./panels/pinned";
import { TypesPanel } from "./panels/types";
import { WastePanel } from "./panels/waste";
import { Search } from "./search";
import { StackView } from "./stack";
import { COLOR_MODES, Store, type Place } from "./store";
import { startTheme, toggleTheme } from "./theme";
import { Timeline } from "./timeline";
import { Tooltip } from "./tooltip";
import { TypesPalette } from "./types_palette";
import "./style/theme.css";
import "./style/page.css";
import "./style/panels.css";

const PAN_PIXELS = 80;
const ZOOM_STEP = 1.4;
const root = document.getElementById("app")!;

function show(page: HTMLElement): void {
  root.replaceChildren(page);
}

function build(api: Api, store: Store): void {
  const layout = new MapLayout(store.target.geometry);
  const types = new TypesPalette();
  const blocks = new BlockCache(api, store, types);
  store.on("types", (sample) => {
    if (types.learn(sample.types)) blocks.forgetTypes();
  });
  const map = new MapView(store, layout, blocks);
  const search = new Search(api);
  const detail = new DetailPanel(api, store, layout, blocks);
  const pinned = new PinnedPanel(api, store);
  const waste = new WastePanel(api, store);
  const growth = new GrowthPanel(store);
  const typesPanel = new TypesPanel(api, store, types);
  const panels = new Panels([detail, pinned, waste, growth, typesPanel]);
  const tooltip = new Tooltip(api, store, layout, blocks);
  const stack = new StackView(store, types);

  const pin = (place: Place): void => {
    store.select(place);
    panels.show(0);
  };
  const pick = (hit: Hit | null): void => {
    if (!hit || hit.head < 0 || hit.block < 0) store.select(null);
    else pin({ unit: hit.head, block: hit.block, address: layout.blockAddress(hit.head, hit.classIndex, hit.block) });
  };
  const goTo = (address: number): boolean => {
    const place = layout.placeOf(address, store.shown);
    if (!place) return false;
    pin(place);
    map.showBlock(place);
    return true;
  };
  map.onHover = (hit, x, y) => tooltip.show(hit, x, y);
  map.onPick = pick;
  detail.onAddress = pinned.onAddress = (address) => void goTo(address);
  detail.onLocate = (place) => map.showBlock(place);
  pinned.onArena = (arena) => map.showArena(arena);
  pinned.onPool = growth.onPool = (unit) => map.showPool(unit);
  pinned.onPools = (units) => {
    map.marks.pools = units;
    map.redraw();
  };
  search.onAddress = goTo;
  search.onMatches = (matches) => {
    map.marks.found = matches.map((match) => ({ address: Number(match.address), unit: match.unit, block: match.block }));
    map.redraw();
  };
  typesPanel.onType = (name) => search.findType(name);

  // The block beside the pinned one.
  const neighbour = (by: number): void => {
    const place = store.selection;
    if (!place || !store.shown.isHead(place.unit)) return;
    const classIndex = store.shown.classes[place.unit];
    const block = place.block + by;
    if (block >= 0 && block < layout.grids[classIndex].capacity) pin({ unit: place.unit, block, address: layout.blockAddress(place.unit, classIndex, block) });
  };
  const escape = (): void => {
    if (store.selection) store.select(null);
    else if (map.marks.found.length > 0) search.clear();
    else if (store.isPaused) store.goLive();
  };
  const pan = (x: number, y: number) => (event: KeyboardEvent): void => map.pan(x * (event.shiftKey ? 4 : 1), y * (event.shiftKey ? 4 : 1));
  const actions: Action[] = [
    { keys: ["ArrowLeft"], shown: "←", says: "move left (with shift: far)", run: pan(-PAN_PIXELS, 0) },
    { keys: ["ArrowRight"], shown: "→", says: "move right", run: pan(PAN_PIXELS, 0) },
    { keys: ["ArrowUp"], shown: "↑", says: "move up", run: pan(0, -PAN_PIXELS) },
    { keys: ["ArrowDown"], shown: "↓", says: "move down", run: pan(0, PAN_PIXELS) },
    { keys: ["+", "="], shown: "+", says: "zoom in", run: () => map.zoom(ZOOM_STEP) },
    { keys: ["-", "_"], shown: "−", says: "zoom out", run: () => map.zoom(1 / ZOOM_STEP) },
    { keys: ["0", "Home"], shown: "0", says: "the whole map", run: () => map.fit() },
    { keys: ["Enter"], shown: "Enter", says: "pin the block in the middle of the map", run: () => pick(map.hitAtCenter()) },
    { keys: [",", "<"], shown: ",", says: "pin the block before", run: () => neighbour(-1) },
    { keys: [".", ">"], shown: ".", says: "pin the block after", run: () => neighbour(1) },
    { keys: ["z"], shown: "z", says: "zoom to the pinned block", run: () => store.selection && map.showBlock(store.selection) },
    { keys: ["/"], shown: "/", says: "search by address or type", run: () => search.focus() },
    { keys: ["c"], shown: "c", says: "next way to colour the map", run: () => store.setMode(COLOR_MODES[(COLOR_MODES.indexOf(store.mode) + 1) % COLOR_MODES.length]) },
    { keys: [" "], shown: "space", says: "pause, or go live again", run: () => store.pause() },
    { keys: ["["], shown: "[", says: "one moment back", run: () => store.step(-1) },
    { keys: ["]"], shown: "]", says: "one moment forward", run: () => store.step(1) },
    { keys: ["{"], shown: "{", says: "ten moments back", run: () => store.step(-10) },
    { keys: ["}"], shown: "}", says: "ten moments forward", run: () => store.step(10) },
    { keys: ["m"], shown: "m", says: "mark this moment, to compare with", run: () => store.setMark(store.shown.frame) },
    { keys: ["1", "2", "3", "4", "5"], shown: "1 … 5", says: "panels: block, pinned, waste, growth, types", run: (event) => panels.show(Number(event.key) - 1) },
    { keys: ["s"], shown: "s", says: "hide or show the stack", run: () => void (stack.element.hidden = !stack.element.hidden) },
    { keys: ["d"], shown: "d", says: "dark or light", run: toggleTheme },
    { keys: ["?"], shown: "?", says: "these keys", run: () => keyboard.toggleHelp() },
    { keys: ["Escape"], shown: "Esc", says: "unpin, end the search, go live", run: escape },
  ];
  const keyboard = new Keyboard(actions);

  map.element.append(new EmptyNote(store).element, tooltip.element);
  show(h("div", "page", makeHeader(store, search, () => keyboard.toggleHelp()), new Banner(store).element, stack.element,
         h("main", "main", h("div", "map-column", map.element, new Legend(store, types).element), panels.element), store.isFixed ? null : new Timeline(store).element, keyboard.help));
}

async function start(): Promise<void> {
  try {
    startTheme();
    const bundle = await openBundle();
    const token = bundle ? "" : takeToken();
    if (token === null) return show(pageWithoutToken(null));
    const api: Api = bundle ?? new HttpApi(token);
    const target = await api.target();
    document.title = `${shortCommand(target.command).split(" ")[0] || "heap"} · smallblock`;
    const store = new Store(target, api.isStatic || target.kind !== "process");
    build(api, store);
    void feedFrames(api, store, (sentence) => show(pageWithoutToken(sentence)), () => location.replace(`?token=${token}`));
    void feedTypes(api, store);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) show(pageWithoutToken(error.message));
    else show(pageOfError(error instanceof Error ? error.message : String(error)));
  }
}

void start();
