// Lets a program started by a test import the packages by name and run their sources.
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { sourceAliases } from '../../../../scripts/source-aliases.mjs'

const root = join(import.meta.dirname, '../../../..')
const aliases = sourceAliases(root)

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const alias = aliases.find(({ find }) => find.test(specifier))
    return nextResolve(alias ? pathToFileURL(alias.replacement).href : specifier, context)
  },
})
