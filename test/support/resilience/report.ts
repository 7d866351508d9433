/** Prints a figure a test has found, whatever reporter is on. */
export function report(line: string): void {
  process.stdout.write(`${line}\n`)
}
