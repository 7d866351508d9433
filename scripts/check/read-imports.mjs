import { posix } from 'node:path'

// Anchored at the start of a line and limited to the characters of an import clause, so that comments, examples in
// TSDoc and strings are not taken for imports.
const STATIC =
  /^(?:import|export)\s+(?<type>type\s+)?(?:(?<clause>[\w$*\s{},]+?)\s+from\s+)?(['"])(?<specifier>[^'"]+)\3/gm
const DYNAMIC = /^(?!\s*(?:\*|\/\/)).*?\bimport\(\s*(['"])(?<specifier>[^'"]+)\1/gm

/**
 * The imports and re-exports of a TypeScript file.
 *
 * @param {{ path: string, text: string }} file
 * @returns {{ specifier: string, path: string | undefined, typeOnly: boolean, line: number }[]} `path` is what a
 *   relative specifier names, from the same root as the file's own path
 */
export function readImports({ path, text }) {
  const found = [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)]
  return found.map(({ index, groups }) => ({
    specifier: groups.specifier,
    path: groups.specifier.startsWith('.') ? posix.join(posix.dirname(path), groups.specifier) : undefined,
    typeOnly: groups.type !== undefined || importsOnlyTypes(groups.clause),
    line: text.slice(0, index).split('\n').length,
  }))
}

function importsOnlyTypes(clause) {
  const [, names] = /^\{([^}]*)\}$/.exec(clause?.trim() ?? '') ?? []
  if (names === undefined) return false
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .every((name) => name.startsWith('type '))
}
