/**
 * Every value of a field among Node's raw headers, names and values in turn, for the `header` of a `RequestView`. Node's parsed headers
 * drop or join repeated fields; a repeated credential must be seen to be refused.
 *
 * @param name - in lower case
 */
export function rawFieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
