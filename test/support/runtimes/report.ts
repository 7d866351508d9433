/** The results of one runtime. */
export interface Shown {
  readonly runtime: string
  readonly version: string
  readonly algorithms: readonly string[]
  readonly scenarios: number
  readonly tokens: number
}

/** The runtime matrix as a readable table, with a line for each missing runtime. */
export function report(shown: readonly Shown[], missing: readonly string[]): string {
  const rows = shown.map(({ runtime, version, algorithms, scenarios, tokens }) => [
    runtime,
    version,
    `${algorithms.length}: ${algorithms.join(' ')}`,
    `${scenarios}`,
    `${tokens}`,
  ])
  const table = [['runtime', 'version', 'algorithms verified', 'scenarios', 'tokens'], ...rows]
  const widths = table.reduce<readonly number[]>(
    (widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)),
    [],
  )
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(' | ')
      .trimEnd(),
  )
  return [...lines, ...missing.map((name) => `skipped: ${name} is not installed`)].join('\n')
}
