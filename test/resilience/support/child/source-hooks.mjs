// Lets a program that a test starts import the packages by name and still run their sources.
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { sourceAliases } from '../../../../scripts/source-aliases.mjs'

const aliases = sourceAliases(join(import.meta.dirname, '../../../..'))

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const alias = aliases.find(({ find }) => find.test(specifier))
    return nextResolve(alias ? pathToFileURL(alias.replacement).href : specifier, context)
  },
})
