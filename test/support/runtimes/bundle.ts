import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'

import { build, type BuildOptions } from 'esbuild'

/** A bundle like those of an edge platform's tools. */
export interface Bundle {
  readonly file: string
  /** What must not be in it: modules of Node, undici, and sources instead of built files. */
  readonly foreign: readonly string[]
}

/** Bundles a host and the built packages it imports, with the export conditions of its runtime. */
export async function bundle(
  entry: string,
  { to, ...options }: Pick<BuildOptions, 'conditions' | 'format'> & { readonly to: string },
): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: [resolve(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2023',
    // In the bundle they would stop the worker; listed here they can be reported.
    external: ['node:*'],
    logLevel: 'silent',
  })
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  const undici = Object.keys(metafile.inputs).filter((path) => path.includes('/undici/'))
  // The built files are tested.
  const sources = Object.keys(metafile.inputs).filter((path) => /packages\/[^/]+\/src\//.test(path))
  await writeFile(to, outputFiles[0]?.contents ?? '')
  return { file: to, foreign: [...new Set([...imported, ...undici, ...sources])] }
}
