import { own } from '../model/own.ts'
import type { RequestView } from '../model/request-view.ts'
import type { CredentialSource } from './credential-source.ts'

/**
 * Every value the request has in one place, in order: more than one is for the caller to refuse, as is one that is not text. A promise
 * only for a body.
 */
export function fieldValues(
  view: RequestView,
  source: CredentialSource,
): readonly unknown[] | Promise<readonly unknown[]> {
  switch (source.from) {
    case 'authorization':
      return view.header('authorization')
    case 'header':
      return view.header(source.name.toLowerCase())
    case 'cookie':
      return cookieValues(view.header('cookie'), source.name)
    case 'query':
      return queryValues(view.target, source.name ?? ACCESS_TOKEN)
    case 'form':
      return formValues(view, source.name ?? ACCESS_TOKEN)
  }
}

/** The name of a query parameter or a form field that holds the token (RFC 6750 sections 2.2 and 2.3). */
export const ACCESS_TOKEN = 'access_token'

// RFC 6265 section 4.2.1: pairs separated by a semicolon; HTTP/2 may send them as several fields.
function cookieValues(fields: readonly unknown[], name: string): readonly unknown[] {
  return fields.flatMap((field): readonly unknown[] => (typeof field === 'string' ? pairValues(field, name) : [field]))
}

function pairValues(field: string, name: string): readonly string[] {
  return field
    .split(';')
    .map(withoutSpace)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => unquoted(pair.slice(name.length + 1)))
}

// RFC 9110 section 5.6.3. `trim` also strips characters that a browser takes for a part of the name: `\xA0__Host-token` is another cookie.
function withoutSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text[start])) start += 1
  while (end > start && isSpace(text[end - 1])) end -= 1
  return text.slice(start, end)
}

const isSpace = (character: string | undefined): boolean => character === ' ' || character === '\t'

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

function queryValues(target: string, name: string): readonly string[] {
  const start = target.indexOf('?')
  if (start < 0) return []
  const [query = ''] = target.slice(start + 1).split('#', 1)
  // The constructor strips a question mark, which is here a part of the first name.
  return new URLSearchParams(`&${query}`).getAll(name)
}

async function formValues(view: RequestView, name: string): Promise<readonly unknown[]> {
  const method = view.method.toUpperCase()
  if (method === 'GET' || method === 'HEAD' || own(view, 'form') === undefined) return []
  const [contentType]: readonly unknown[] = view.header('content-type')
  if (typeof contentType !== 'string') return []
  const [type = ''] = contentType.split(';', 1)
  if (withoutSpace(type).toLowerCase() !== 'application/x-www-form-urlencoded') return []
  // Some body parsers leave null where there is nothing.
  const fields: unknown = await view.form?.(name)
  if (fields instanceof URLSearchParams) return fields.getAll(name)
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return []
  // A body parser may build lists and objects from names in brackets.
  const value = (fields as Readonly<Record<string, unknown>>)[name]
  return Array.isArray(value) ? (value as readonly unknown[]) : [value]
}
