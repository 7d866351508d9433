import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

// Nest 11 is installed outside the workspace, because a package of the workspace finds only one version: `npm run setup:nest11`.
const manifest = new URL('../../nest11/package.json', import.meta.url)
const require = createRequire(manifest)

export const isNest11Installed: boolean = existsSync(new URL('node_modules/@nestjs/core', manifest))

/** A package of Nest 11. */
export const ofNest11 = (name: string): object => require(name) as object
