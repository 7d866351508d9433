import { type ClaimPath, isClaimPath, isTextList } from '../adapter.ts'
import type { Word } from './profile.ts'

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value === value.trim()

/** A setting that must be given. */
export function needed(word: Word): Word {
  return { ...word, required: true }
}

/** A host name, with its port if it has one, as consoles show domains. */
export function host(example: string): Word {
  const fits = (value: unknown): boolean =>
    isText(value) && URL.canParse(`https://${value}`) && new URL(`https://${value}`).host === value
  return { be: `a host such as "${example}", without https:// and path`, fits, example, variable: 'text' }
}

/** One label of a host name, such as the name of a tenant. */
export function label(example: string): Word {
  return {
    be: `only the name, such as "${example}", without https:// and domain`,
    fits: (value) => isText(value) && /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/.test(value),
    example,
    variable: 'text',
  }
}

/** The address of a server, without a slash at its end. Plain http is for a host of your own network. */
export function server(example: string): Word {
  return {
    be: `an address such as "${example}", without a slash at its end`,
    fits: (value) => isText(value) && isAddress(value) && !value.endsWith('/'),
    example,
    variable: 'text',
  }
}

/** An address, exactly as the provider shows it. */
export function address(example: string): Word {
  return {
    be: `an address such as "${example}", exactly as the provider shows it`,
    fits: (value) => isText(value) && isAddress(value),
    example,
    variable: 'text',
  }
}

function isAddress(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, search, hash, username, password } = new URL(uri)
  return /^https?:$/.test(protocol) && `${search}${hash}${username}${password}` === ''
}

const GUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i

/** Whether a value is a GUID, in any case. */
export function isGuid(value: unknown): value is string {
  return typeof value === 'string' && GUID.test(value)
}

/** A GUID. Consoles also show names and domains of the same thing, which tokens do not contain. */
export function guid(example: string): Word {
  return { be: `a GUID, such as "${example}", not a name or a domain`, fits: isGuid, example, variable: 'text' }
}

/** Text that must match a pattern. `be` ends the sentence `"word" must be …`. */
export function like(pattern: RegExp, be: string, example: string): Word {
  return { be, fits: (value) => isText(value) && pattern.test(value), example, variable: 'text' }
}

/** Any text. */
export function text(example: string): Word {
  return { be: `a string, such as "${example}"`, fits: isText, example, variable: 'text' }
}

/** A string, or a list of strings. */
export function texts(example: string | readonly string[], shown = true): Word {
  return {
    be: `a string or a list of strings, such as ${JSON.stringify(example)}`,
    fits: (value) => isText(value) || isTextList(value),
    ...(shown && { example }),
    variable: 'list',
  }
}

/** An ID that is a number, as text or as a number; or a list of them. */
export function ids(example: string, shown = true): Word {
  const isId = (value: unknown): boolean => /^\d{1,20}$/.test(typeof value === 'number' ? String(value) : asText(value))
  return {
    be: `the number that is the ID, such as "${example}", or a list of them, and not a name`,
    fits: (value) => isId(value) || (Array.isArray(value) && value.length > 0 && value.every(isId)),
    ...(shown && { example }),
    variable: 'list',
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The claims write IDs as text. */
export function idTexts(value: string | number | readonly (string | number)[]): readonly string[] {
  return [value].flat().map(String)
}

/** The setting is one of a few words. */
export function choice(...words: readonly string[]): Word {
  return { be: `"${words.join('" or "')}"`, fits: (value) => words.includes(value as string), variable: 'text' }
}

/** Another claim with roles than the profile's. */
export function rolesWord(): Word {
  return { be: 'the name of a claim, or a list of names for a nested one', fits: isClaimPath }
}

/** A setting that examples leave out. */
export function unseen(word: Word): Word {
  return { ...word, example: undefined }
}

/** Clients whose tokens are accepted. */
export function clients(example: string): Word {
  return texts(example, false)
}

/** The members that select clients by the given claims; none without clients. */
export function clientRules(
  clientId: string | readonly string[] | undefined,
  ...claims: readonly ClaimPath[]
): { readonly clientId?: string | readonly string[]; readonly clientClaims?: readonly ClaimPath[] } {
  return clientId === undefined ? {} : { clientId, clientClaims: claims }
}
