import { chmod, glob, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Metafile } from 'esbuild';
import { packageFolders } from './package-folders.ts';

/**
 * Bundles the product into dist/, one file per entry (a start from node_modules takes twice the time):
 *
 *     main.js         starts the daemon: turns the compile cache on, then calls main() of daemon.js
 *     daemon.js       src/main.ts
 *     <x>-thread.js   src/<room>/<x>-thread.ts and <x>-process.ts, found beside daemon.js
 *     chainbot.js     src/cli/main.ts, the command
 *     static-check.js src/static-check.ts, which the command loads when no daemon answers
 *     packages.json   the folders of node_modules that must be installed beside dist/
 *
 * It is made in a folder of its own and then moved in file by file, so that nobody sees half of one.
 */
const root = path.resolve(import.meta.dirname, '..');

/** Native addons stay in node_modules. */
const EXTERNAL = ['better-sqlite3', 'onoff', 'i2c-bus', 'serialport', 'node-llama-cpp', 'koffi'];

/** Bundled CommonJS packages call require for Node's own modules. */
const BANNER = `import { createRequire as $createRequire } from 'node:module';
const require = $createRequire(import.meta.url);`;

/** Node writes the cache at its exit; a daemon may never have one, so it is written once it is up. */
const STARTER = `#!/usr/bin/env node
import { enableCompileCache, flushCompileCache } from 'node:module';
const beside = new URL('.cache', import.meta.url).pathname;
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? process.env.CACHE_DIRECTORY ?? beside);
setTimeout(flushCompileCache, 15_000).unref();
const { main } = await import('./daemon.js');
process.exitCode = await main(process.argv.slice(2));
`;

async function entries(): Promise<Record<string, string>> {
  const found: Record<string, string> = {
    daemon: 'src/main.ts',
    chainbot: 'src/cli/main.ts',
    'static-check': 'src/static-check.ts',
  };
  for await (const file of glob('src/*/*-{thread,process}.ts', { cwd: root }))
    found[path.basename(file, '.ts')] = file;
  return found;
}

async function bundle(out: string): Promise<string[]> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: await entries(),
    outdir: out,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    banner: { js: BANNER },
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'require-resolve-not-external': 'silent' },
  });
  const packages = packageFolders(root, externalsOf(result.metafile));
  await writeFile(path.join(out, 'packages.json'), `${JSON.stringify(packages, null, 2)}\n`);
  await writeFile(path.join(out, 'main.js'), STARTER);
  const files = Object.keys(result.metafile.outputs).map((file) => path.basename(file));
  return ['packages.json', 'main.js', ...files];
}

/** The packages that the bundle really imports. */
function externalsOf({ outputs }: Metafile): string[] {
  const imported = Object.values(outputs).flatMap((output) => output.imports.map(({ path: name }) => name));
  return EXTERNAL.filter((name) => imported.includes(name));
}

const dist = path.join(root, 'dist');
const fresh = path.join(dist, `.new-${process.pid}`);
await mkdir(fresh, { recursive: true });
try {
  const files = await bundle(fresh);
  for (const name of ['main.js', 'chainbot.js']) await chmod(path.join(fresh, name), 0o755);
  for (const file of files) await rename(path.join(fresh, file), path.join(dist, file));
} finally {
  await rm(fresh, { recursive: true, force: true });
}
