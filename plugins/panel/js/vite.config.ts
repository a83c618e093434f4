import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

// What the App puts on `window` for plugins; nothing else may be imported.
const globals = {
  react: "React",
  "@fiftyone/state": "__fos__",
  "@fiftyone/operators": "__foo__",
  "@fiftyone/plugins": "__fop__",
};

/** Hash of everything the bundle is made from; tests/plugins compares it with the banner of the committed bundle. */
function sourceHash(): string {
  const files = readdirSync("src").sort().map((name) => join("src", name));
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "vite.config.ts", ...files]) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

/** The minifier drops comments, so the line is added when all else is done. */
const stamp: Plugin = {
  name: "stamp",
  enforce: "post",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === "chunk") chunk.code = `/* sem-curate panel, built from sources ${sourceHash()} */\n${chunk.code}`;
    }
  },
};

export default defineConfig({
  plugins: [stamp],
  // The App offers React itself but not react/jsx-runtime, so the classic transform is required.
  esbuild: { jsx: "transform", jsxFactory: "React.createElement", jsxFragment: "React.Fragment" },
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    lib: { entry: "src/index.tsx", name: "SemCuratePanel", formats: ["umd"], fileName: () => "index.umd.js" },
    rollupOptions: {
      external: Object.keys(globals),
      output: { globals },
    },
  },
});
