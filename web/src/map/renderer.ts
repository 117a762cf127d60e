// Draws the map with WebGL: one rectangle, whose shader finds its colours in textures (shaders.ts).
//
// Called by map_view.ts, at most once a frame. Invariant: textures are sent to the graphics card in the rows that
// changed, so a frame in which only the camera moves sends nothing; a new renderer sends all.
import * as twgl from "twgl.js";
import { SLOT_BLOCKS, SLOTS, type BlockCache } from "../blocks";
import { paletteTexture, type Rgb, type Theme } from "../palette";
import { COLOR_MODES, type ColorMode } from "../store";
import type { Camera } from "./camera";
import type { MapLayout } from "./layout";
import { FRAGMENT, VERTEX } from "./shaders";
import { ROW_UNITS, type UnitTexture } from "./unit_texture";

const share = (color: Rgb): Rgb => color.map((value) => value / 255) as Rgb;

export class Renderer {
  private readonly gl: WebGL2RenderingContext;
  private readonly program: twgl.ProgramInfo;
  private readonly quad: twgl.BufferInfo;
  private readonly unitTexture: WebGLTexture;
  private readonly blockTexture: WebGLTexture;
  private readonly classTexture: WebGLTexture;
  private readonly paletteTexture: WebGLTexture;
  private theme: Theme;
  private rows = 0;

  // Throws if the browser has no WebGL 2.
  constructor(readonly canvas: HTMLCanvasElement, private readonly layout: MapLayout, private readonly units: UnitTexture,
              private readonly blocks: BlockCache, theme: Theme) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, preserveDrawingBuffer: false });
    if (!gl) throw new Error("this browser has no WebGL 2, which the map is drawn with");
    this.gl = gl;
    this.theme = theme;
    this.program = twgl.createProgramInfo(gl, [VERTEX, FRAGMENT]);
    this.quad = twgl.createBufferInfoFromArrays(gl, { position: { numComponents: 2, data: [-1, -1, 3, -1, -1, 3] } });
    this.unitTexture = this.texture();
    this.blockTexture = this.texture();
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8UI, 2 * SLOT_BLOCKS, SLOTS / 2);
    blocks.soilAll();
    this.classTexture = this.texture();
    const classes = new Uint32Array(256 * 4);
    layout.grids.forEach((grid, index) => classes.set([grid.capacity, grid.columns, grid.rows, Math.max(1, grid.units)], index * 4));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32UI, 256, 1, 0, gl.RGBA_INTEGER, gl.UNSIGNED_INT, classes);
    this.paletteTexture = this.texture();
    this.setTheme(theme);
  }

  setTheme(theme: Theme): void {
    const gl = this.gl;
    this.theme = theme;
    gl.bindTexture(gl.TEXTURE_2D, this.paletteTexture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 4, 0, gl.RGBA, gl.UNSIGNED_BYTE, paletteTexture(theme, this.layout.geometry.classes));
  }

  draw(camera: Camera, unitCount: number, mode: ColorMode, isComparing: boolean, ratio: number): void {
    const gl = this.gl;
    this.sendUnits();
    this.sendBlocks();
    const width = Math.round(camera.width * ratio);
    const height = Math.round(camera.height * ratio);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.useProgram(this.program.program);
    twgl.setBuffersAndAttributes(gl, this.program, this.quad);
    const theme = this.theme;
    twgl.setUniforms(this.program, {
      uSize: [width, height], uCell: [Math.floor(camera.x), Math.floor(camera.y)],
      uFraction: [camera.x - Math.floor(camera.x), camera.y - Math.floor(camera.y)], uScale: camera.scale * ratio,
      uColumns: this.layout.columns, uUnits: unitCount, uMode: COLOR_MODES.indexOf(mode), uComparing: isComparing,
      uUnitTexture: this.unitTexture, uBlockTexture: this.blockTexture, uClassTexture: this.classTexture,
      uPalette: this.paletteTexture, uBackground: share(theme.background), uArena: share(theme.arena),
      uKept: share(theme.kept), uEmpty: share(theme.empty), uEmptyInMemory: share(theme.emptyInMemory),
      uGrown: share(theme.grown), uShrunk: share(theme.shrunk),
    });
    twgl.drawBufferInfo(gl, this.quad);
  }

  private texture(): WebGLTexture {
    const gl = this.gl;
    const texture = gl.createTexture()!;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    return texture;
  }

  private sendUnits(): void {
    const { gl, units } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.unitTexture);
    if (this.rows !== units.rows) {
      this.rows = units.rows;
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32UI, ROW_UNITS, this.rows, 0, gl.RGBA_INTEGER, gl.UNSIGNED_INT, units.words);
    } else if (units.dirtyEnd > units.dirtyFirst) {
      const part = units.words.subarray(units.dirtyFirst * ROW_UNITS * 4, units.dirtyEnd * ROW_UNITS * 4);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, units.dirtyFirst, ROW_UNITS, units.dirtyEnd - units.dirtyFirst,
                       gl.RGBA_INTEGER, gl.UNSIGNED_INT, part);
    }
    units.dirtyFirst = units.dirtyEnd = 0;
  }

  private sendBlocks(): void {
    const { gl, blocks } = this;
    if (blocks.dirty.size === 0) return;
    gl.bindTexture(gl.TEXTURE_2D, this.blockTexture);
    for (const slot of blocks.dirty) {
      const texels = blocks.texels.subarray(slot * SLOT_BLOCKS * 4, (slot + 1) * SLOT_BLOCKS * 4);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, (slot & 1) * SLOT_BLOCKS, slot >> 1, SLOT_BLOCKS, 1, gl.RGBA_INTEGER, gl.UNSIGNED_BYTE, texels);
    }
    blocks.dirty.clear();
  }
}
