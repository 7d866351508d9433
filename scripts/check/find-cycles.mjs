/**
 * Finds import cycles among files. Each cycle is reported once. Type imports count too.
 *
 * @param {{ path: string, imports: { path: string | undefined }[] }[]} modules
 * @returns {string[][]} each cycle's paths, ending with the one it starts with
 */
export function findCycles(modules) {
  const importsOf = new Map(modules.map(({ path, imports }) => [path, imports.map((imported) => imported.path)]))
  const finished = new Set()
  const cycles = []

  function visit(path, trail) {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path])
    else if (!finished.has(path)) {
      for (const next of importsOf.get(path) ?? []) visit(next, [...trail, path])
      finished.add(path)
    }
  }

  for (const path of importsOf.keys()) visit(path, [])
  return cycles
}
