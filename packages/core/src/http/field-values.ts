import type { RequestView } from '../model/request-view.ts'
import type { CredentialSource } from './credential-source.ts'

/** Every text the request has in one place, in order: more than one is for the caller to refuse. A promise only for a body. */
export function fieldValues(
  view: RequestView,
  source: CredentialSource,
): readonly string[] | Promise<readonly string[]> {
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

const ACCESS_TOKEN = 'access_token'

// RFC 6265 section 4.2.1: pairs separated by a semicolon; HTTP/2 may send them as several fields.
function cookieValues(fields: readonly string[], name: string): readonly string[] {
  return fields
    .flatMap((field) => field.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => unquoted(pair.slice(name.length + 1)))
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

function queryValues(target: string, name: string): readonly string[] {
  const start = target.indexOf('?')
  return start < 0 ? [] : new URLSearchParams(target.slice(start + 1).split('#', 1)[0] ?? '').getAll(name)
}

async function formValues(view: RequestView, name: string): Promise<readonly string[]> {
  const method = view.method.toUpperCase()
  if (method === 'GET' || method === 'HEAD' || view.form === undefined) return []
  const [contentType = ''] = view.header('content-type')
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') return []
  // Some body parsers leave null where there is nothing.
  const fields: unknown = await view.form()
  const value = hasOwn(fields, name) ? fields[name] : []
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  // A body parser may build objects from names in brackets; they are counted, and refused as not well formed.
  return values.map((item) => (typeof item === 'string' ? item : ''))
}

function hasOwn(fields: unknown, name: string): fields is Readonly<Record<string, unknown>> {
  return typeof fields === 'object' && fields !== null && Object.hasOwn(fields, name)
}
