import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKAGES = join(import.meta.dirname, '../../../packages')
const MEMBER = /^\s+(?:readonly )?['"]?([\w$#-]+)['"]?\??(?:\([^)]*\))?:/gm
const OPTIONAL = /^\s+(?:readonly )?(\w+)\?[:(]/gm
const QUOTED = /['"]([A-Za-z_$~][\w#$-]*)['"]/g
const ACCESS = /[.{,]\s*([A-Za-z_$][\w$]*)\b/g

/** Every name that the sources of the packages use for a member: declared, quoted or read. New options are included automatically. */
export function memberNames(): readonly string[] {
  // Beyond the end of an array, an index is a member of Object.prototype.
  const names = new Set<string>('01234')
  for (const file of sources(PACKAGES)) {
    const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const pattern of [MEMBER, QUOTED, ACCESS]) for (const [, name = ''] of text.matchAll(pattern)) names.add(name)
  }
  return [...names].filter((name) => name !== '' && !(name in Object.prototype)).toSorted()
}

/** Every name that an interface of the packages declares as optional: options, contexts, details. Pollution fills in absent members. */
export function optionalNames(): readonly string[] {
  const names = new Set<string>()
  for (const file of sources(PACKAGES))
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(OPTIONAL)) names.add(name)
  return [...names].toSorted()
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^[^/]+\/src\/.*(?<!\.test|\.test-support|\.d)\.ts$/.test(file))
    .map((file) => join(folder, file))
}
