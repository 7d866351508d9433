/**
 * Every value of a field among Node's raw headers, names and values in turn, for the `header` of a `RequestView`. Node's parsed headers
 * drop or join repeated fields; a repeated credential must be seen to be refused.
 *
 * @param name - in lower case
 */
export function rawFieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const field = rawHeaders[index] ?? ''
    if (field.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '')
  }
  return values
}
