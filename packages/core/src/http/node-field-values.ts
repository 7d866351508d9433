/**
 * Every value of a field of a Node request, for the `header` of a `RequestView`. Its parsed headers decide, for earlier middleware may have
 * rewritten or deleted a field. They drop or join repeated ones, however, and a repeated credential must be seen to be refused: repeats
 * are counted among the raw headers, which stand-ins for a request leave empty or do not have. What is no text is passed on as it is, to be
 * refused.
 *
 * @param headers - by name in lower case
 * @param rawHeaders - names and values in turn
 * @param name - in lower case
 */
export function nodeFieldValues(headers: unknown, rawHeaders: unknown, name: string): readonly string[] {
  if (typeof headers !== 'object' || headers === null || !Object.hasOwn(headers, name)) return []
  const value = (headers as Readonly<Record<string, unknown>>)[name]
  // Assigned, where middleware does not write `delete`.
  if (value === undefined) return []
  // Several fields are legal in HTTP/2, and joining them loses nothing.
  if (name !== 'cookie' && Array.isArray(rawHeaders) && count(rawHeaders, name) > 1) return valuesOf(rawHeaders, name)
  return (Array.isArray(value) ? value : [value]) as readonly string[]
}

function count(rawHeaders: readonly unknown[], name: string): number {
  let fields = 0
  for (let index = 0; index < rawHeaders.length; index += 2) if (isNamed(rawHeaders[index], name)) fields += 1
  return fields
}

function valuesOf(rawHeaders: readonly unknown[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && isNamed(rawHeaders[index - 1], name)) as readonly string[]
}

function isNamed(field: unknown, name: string): boolean {
  return typeof field === 'string' && field.length === name.length && field.toLowerCase() === name
}
