// How the page is built: one file without anything to fetch, which the command carries inside.
// Called by scripts/build-page.sh and by vitest. The page's policy allows no eval, and no other file.
import { defineConfig } from "vitest/config";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { target: "es2022", modulePreload: false, chunkSizeWarningLimit: 1000 },
  test: { include: ["test/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
});
