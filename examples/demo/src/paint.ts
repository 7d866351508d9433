/** Colours for a terminal, or none. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly green: (text: string) => string
  readonly red: (text: string) => string
}

/** Uses colours if the output is a terminal and `NO_COLOR` is unset or empty. */
export function createPaint(
  terminal: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const coloured = terminal.isTTY === true && (env['NO_COLOR'] ?? '') === ''
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      coloured ? `\u001B[${on}m${text}\u001B[${off}m` : text
  return { bold: paint(1, 22), dim: paint(2, 22), green: paint(32, 39), red: paint(31, 39) }
}
