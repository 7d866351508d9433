import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')

/** Where readers of the site find the files that are not pages. */
export const PROJECT = 'https://github.com/claimgate/claimgate'

/** The Markdown that VitePress reads, and the site that it writes. */
export const PAGES = join(import.meta.dirname, 'dist/pages')
export const SITE = join(import.meta.dirname, 'dist/site')
