// Checks that every name that a package's entry re-exports has TSDoc at its declaration.
import { posix } from 'node:path'

import { readSources } from './repository-files.mjs'

const ENTRY = /^packages\/[^/]+\/src\/[^/]+\.ts$/
const REEXPORT = /^export\s+(?:type\s+)?\{(?<names>[^}]*)\}\s+from\s+'(?<specifier>\.[^']+)'/gm
const DECLARATION =
  /^export\s+(?:declare\s+|async\s+|abstract\s+)*(?:function\*?|const|interface|type|class)\s+(?<name>[\w$]+)/gm

/**
 * Follows names from file to file, so that nested re-exports are checked at their declaration.
 *
 * @param {{ path: string, text: string }[]} files the sources of one or more packages
 * @returns {string[]} one sentence for each public name without TSDoc
 */
export function undocumentedNames(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  const seen = new Set()

  function undocumented(path, name) {
    const text = texts.get(path)
    if (text === undefined || seen.has(`${path} ${name}`)) return []
    seen.add(`${path} ${name}`)
    const onwards = reexportsOf(path, text).filter((reexport) => reexport.as === name)
    if (onwards.length > 0) return onwards.flatMap((reexport) => undocumented(reexport.path, reexport.name))
    const declarations = declarationsOf(text).filter((declaration) => declaration.name === name)
    // Overloads and merged declarations need only one TSDoc.
    if (declarations.length === 0 || declarations.some(({ documented }) => documented)) return []
    return [`${path}: the public name ${name} has no TSDoc`]
  }

  return files
    .filter(({ path }) => ENTRY.test(path))
    .flatMap(({ path, text }) =>
      [...reexportsOf(path, text).map(({ as }) => as), ...declarationsOf(text).map(({ name }) => name)].flatMap(
        (name) => undocumented(path, name),
      ),
    )
}

/**
 * @param {string} root the repository's root
 * @returns {string[]}
 */
export function checkPublicDocs(root) {
  return undocumentedNames(readSources(root))
}

function reexportsOf(path, text) {
  return [...text.matchAll(REEXPORT)].flatMap(({ groups }) =>
    groups.names
      .split(',')
      .map((name) => name.trim().replace(/^type\s+/, ''))
      .filter((name) => name !== '')
      .map((entry) => {
        const [name, as = name] = entry.split(/\s+as\s+/)
        return { name, as, path: posix.join(posix.dirname(path), groups.specifier) }
      }),
  )
}

function declarationsOf(text) {
  return [...text.matchAll(DECLARATION)].map(({ index, groups }) => ({
    name: groups.name,
    documented: text.slice(0, index).trimEnd().endsWith('*/'),
  }))
}
