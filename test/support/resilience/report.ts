/** Prints a figure that a test has measured, with any reporter. */
export function report(line: string): void {
  process.stdout.write(`${line}\n`)
}
