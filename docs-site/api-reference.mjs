// Writes the pages of the API reference from the TSDoc of what the packages export.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { Application } from 'typedoc'

import { PROJECT, ROOT } from './places.mjs'

/**
 * @param {string} folder where the pages go; what is there is replaced
 * @returns {Promise<string[]>} the names of the entry points
 */
export async function writeApiReference(folder) {
  rmSync(folder, { recursive: true, force: true })
  const entries = entryPoints()
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: [...entries.keys()],
    tsconfig: join(ROOT, 'docs-site/tsconfig.json'),
    basePath: ROOT,
    displayBasePath: ROOT,
    // The step `types` of `npm run check` checks the sources, with the compiler that builds them.
    skipErrorChecking: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    readme: 'none',
    disableGit: true,
    gitRevision: 'main',
    sourceLinkTemplate: `${PROJECT}/blob/main/{path}#L{line}`,
    logLevel: 'Error',
    out: folder,
    outputFileStrategy: 'modules',
    useHTMLAnchors: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: { hideModifiers: true, hideSources: true },
    entryFileName: 'index',
  })
  const project = await app.convert()
  if (project === undefined || app.logger.hasErrors()) throw new Error('typedoc could not read the packages')
  for (const module of project.children ?? []) {
    module.name = entries.get(module.sources?.[0]?.fullFileName) ?? module.name
  }
  project.name = 'API reference'
  await app.generateOutputs(project)
  if (app.logger.hasErrors()) throw new Error('typedoc could not write the API reference')
  return (project.children ?? []).map(({ name }) => name).toSorted()
}

/** The source file of every public entry point, with the name that an import has. Two names of one file: the last. */
function entryPoints() {
  const entries = new Map()
  for (const name of readdirSync(join(ROOT, 'packages')).toSorted()) {
    const folder = join(ROOT, 'packages', name)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    for (const [subpath, target] of Object.entries(manifest.exports ?? {})) {
      const source = join(folder, (target.default ?? target).replace('./dist/', 'src/').replace(/\.js$/, '.ts'))
      if (source.endsWith('.ts') && existsSync(source)) entries.set(source, manifest.name + subpath.slice(1))
    }
  }
  return entries
}
