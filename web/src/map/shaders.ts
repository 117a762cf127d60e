// The map's picture: for each pixel, which unit and block is there, and what colour that has.
//
// Called by renderer.ts. The work of a frame depends on the pixels alone, not on how many blocks there are. The sums are
// those of layout.ts; the textures are made by unit_texture.ts (a unit), blocks.ts (a block) and renderer.ts (classes).
import { SLOT_BLOCKS } from "../blocks";
import { UNITS_PER_ARENA } from "../protocol";
import { ARENA_PITCH, ARENA_SIDE } from "./layout";
import { ROW_UNITS } from "./unit_texture";

export const VERTEX = `#version 300 es
in vec2 position;
void main() { gl_Position = vec4(position, 0.0, 1.0); }
`;

export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform vec2 uSize;        // device pixels
uniform vec2 uFraction;    // the centre of the screen: its cell, and where in it
uniform ivec2 uCell;
uniform float uScale;      // device pixels a unit
uniform int uColumns;
uniform int uUnits;
uniform int uMode;         // 0 class, 1 state, 2 age, 3 type
uniform bool uComparing;
uniform usampler2D uUnitTexture, uBlockTexture, uClassTexture;
uniform sampler2D uPalette;
uniform vec3 uBackground, uArena, uKept, uEmpty, uEmptyInMemory, uGrown, uShrunk;
out vec4 color;

vec3 palette(int row, uint index) { return texelFetch(uPalette, ivec2(int(index), row), 0).rgb; }

bool hatched(float step) { return mod(gl_FragCoord.x + gl_FragCoord.y, step) < step * 0.28; }

vec3 stateColor(vec3 base, uint state) {
  if (uMode == 1) return state == 3u && hatched(7.0) ? palette(1, 0u) : palette(1, state);
  if (state == 1u) return base;
  if (state == 2u) return mix(uArena, base, 0.5);
  if (state == 0u) return mix(uArena, base, 0.2);
  return hatched(7.0) ? mix(uArena, base, 0.25) : uArena;
}

// Shares of live, cached, free and purged blocks, stacked from the floor; small pools blend them.
vec3 poolColor(vec3 base, uvec4 unit, float height, float pixels) {
  vec4 shares = vec4(unit.y & 255u, (unit.y >> 8) & 255u, (unit.y >> 16) & 255u, unit.y >> 24) / 255.0;
  if (pixels < 7.0) {
    vec3 sum = stateColor(base, 1u) * shares.x + stateColor(base, 2u) * shares.y + stateColor(base, 0u) * shares.z;
    float given = shares.w;
    vec3 gone = uMode == 1 ? palette(1, 3u) : uArena;
    return sum + gone * max(given, 1.0 - shares.x - shares.y - shares.z);
  }
  // One live block keeps the whole pool: it is a line at least.
  float live = shares.x > 0.0 ? max(shares.x, 1.0 / pixels) : 0.0;
  if (height < live) return stateColor(base, 1u);
  if (height < shares.x + shares.y) return stateColor(base, 2u);
  if (height < shares.x + shares.y + shares.z) return stateColor(base, 0u);
  return stateColor(base, 3u);
}

vec3 compared(uvec4 unit) {
  float change = (float((unit.z >> 16) & 255u) - 128.0) / 127.0;
  float live = float(unit.y & 255u) / 255.0;
  vec3 quiet = mix(uArena, palette(1, 0u), 0.12 + 0.25 * live);
  if (change == 0.0) return quiet;
  return mix(quiet, change > 0.0 ? uGrown : uShrunk, 0.3 + 0.7 * abs(change));
}

void main() {
  vec2 pixel = vec2(gl_FragCoord.x, uSize.y - gl_FragCoord.y);
  vec2 at = (pixel - 0.5 * uSize) / uScale + uFraction;
  vec2 whole = floor(at);
  vec2 inUnit = at - whole;
  ivec2 cell = ivec2(whole) + uCell;
  color = vec4(uBackground, 1.0);
  if (cell.x < 0 || cell.y < 0) return;
  ivec2 place = cell / ${ARENA_PITCH};
  ivec2 within = cell - place * ${ARENA_PITCH};
  if (within.x >= ${ARENA_SIDE} || within.y >= ${ARENA_SIDE} || place.x >= uColumns) return;
  int number = (place.y * uColumns + place.x) * ${UNITS_PER_ARENA} + within.y * ${ARENA_SIDE} + within.x;
  if (number >= uUnits) return;

  uvec4 unit = texelFetch(uUnitTexture, ivec2(number % ${ROW_UNITS}, number / ${ROW_UNITS}), 0);
  uint classIndex = unit.x & 255u;
  uint flags = (unit.x >> 8) & 255u;
  uint use = unit.w & 255u;
  float gap = uScale >= 5.0 ? clamp(uScale * 0.025, 1.0, 2.0) : 0.0;  // no wider than the lines between blocks
  vec3 ground = use == 1u ? uArena : use == 2u ? uKept : mix(uBackground, uArena, 0.35);
  color.rgb = ground;
  vec2 fromEdge = min(inUnit, 1.0 - inUnit) * uScale;
  if (classIndex == 0u) {
    bool isEdge = inUnit.x * uScale < gap || inUnit.y * uScale < gap;
    if (!isEdge) color.rgb = (flags & 4u) != 0u ? uEmptyInMemory : use == 1u || use == 2u ? uEmpty : ground;
    return;
  }

  uvec4 shape = texelFetch(uClassTexture, ivec2(int(classIndex), 0), 0);  // capacity, columns, rows, units
  int offset = number & (int(shape.w) - 1);
  vec2 extent = vec2(min(int(shape.w), ${ARENA_SIDE}), max(1, int(shape.w) / ${ARENA_SIDE}));
  vec2 inPool = (vec2(offset % ${ARENA_SIDE}, offset / ${ARENA_SIDE}) + inUnit) / extent;
  vec2 grid = vec2(shape.yz);
  vec2 blockPixels = extent * uScale / grid;
  float side = min(blockPixels.x, blockPixels.y);
  vec2 inPixels = inPool * extent * uScale;
  gap = min(gap, max(1.0, 0.4 * side));  // the first blocks are seen, however small they are
  if (inPixels.x < gap || inPixels.y < gap) return;

  uint slot = unit.x >> 16;
  vec3 base = palette(uMode, uMode == 0 ? classIndex : uMode == 2 ? unit.z & 255u : uMode == 3 ? (unit.z >> 8) & 255u : 1u);
  if (uComparing) {
    color.rgb = compared(unit);
    return;
  }
  if (slot == 0u || side < 1.5) {
    color.rgb = poolColor(base, unit, 1.0 - inPool.y, extent.y * uScale);
    return;
  }
  vec2 scaled = inPool * grid;
  ivec2 inGrid = ivec2(scaled);
  uint block = uint(inGrid.y) * shape.y + uint(inGrid.x);
  if (block >= shape.x) return;
  uint at0 = slot - 1u;
  uvec4 what = texelFetch(uBlockTexture, ivec2(int((at0 & 1u) * ${SLOT_BLOCKS}u + block), int(at0 >> 1)), 0);
  if (uMode == 2 && what.r == 1u && what.b != 0u) base = palette(2, what.b);
  if (uMode == 3 && what.r == 1u) base = palette(3, what.g);
  float line = side < 5.0 ? 0.0 : side < 40.0 ? 1.0 : 2.0;
  vec2 inBlock = (scaled - vec2(inGrid)) * blockPixels;
  color.rgb = stateColor(base, what.r);
  if (inBlock.x < line || inBlock.y < line) color.rgb = ground;
}
`;
