import type { Random } from '../random.ts'
import { fromBase64url, toBase64url } from '../keys/test-keys.ts'

/** A token after one to three random changes. It is never equal to the original. */
export interface TokenMutation {
  /** The changes in order, such as `flip`, `splice`. */
  readonly changes: readonly string[]
  readonly token: string
}

/** Options for the mutations. */
export interface TokenMutationOptions {
  /** Tokens whose parts are used in splices. @defaultValue the token itself */
  readonly others?: readonly string[]
}

/**
 * An infinite sequence of mutated tokens for fuzzing: characters flipped, inserted, deleted and swapped; parts truncated, duplicated,
 * swapped and re-encoded; header members and claims added, removed and replaced; white space in the JSON; parts of other tokens. The
 * same random source gives the same tokens.
 */
export function* tokenMutations(
  token: string,
  random: Random,
  options: TokenMutationOptions = {},
): Generator<TokenMutation, never, undefined> {
  const tools: Tools = { random, others: options.others ?? [token] }
  for (;;) {
    const changes: string[] = []
    let mutated = token
    // Mostly one change, because a second one often hides the effect of the first.
    for (let rounds = random.next() < 0.7 ? 1 : 2 + random.integer(2); rounds > 0; rounds--) {
      const [name, change] = random.pick(CHANGES)
      mutated = change(mutated, tools)
      changes.push(name)
    }
    // A mutation may have no effect, for example if a part is swapped with itself.
    if (mutated !== token) yield { changes, token: mutated }
  }
}

interface Tools {
  readonly random: Random
  readonly others: readonly string[]
}

type Change = (token: string, tools: Tools) => string

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const STRANGE = [
  '=',
  '+',
  '/',
  ' ',
  '\n',
  '\r',
  '\t',
  '\u0000',
  '.',
  '"',
  '{',
  '%',
  '\\',
  '\u00E9',
  '\uFEFF',
  '\u{1F600}',
]

const CHANGES: readonly (readonly [name: string, change: Change])[] = [
  ['flip', flip],
  ['insert', insert],
  ['insert-strange', (token, { random }) => at(token, random.integer(token.length + 1), 0, random.pick(STRANGE))],
  ['delete', (token, { random }) => at(token, random.integer(token.length), 1 + random.integer(4), '')],
  ['truncate', (token, { random }) => token.slice(0, random.integer(token.length))],
  ['truncate-front', (token, { random }) => token.slice(random.integer(token.length))],
  ['duplicate', duplicate],
  ['swap-parts', swapParts],
  ['drop-part', inParts((parts, random) => parts.toSpliced(random.integer(parts.length), 1))],
  ['empty-part', inParts((parts, random) => parts.with(random.integer(parts.length), ''))],
  ['double-part', inParts((parts, random) => parts.toSpliced(random.integer(parts.length), 0, random.pick(parts)))],
  ['pad', inOnePart((part, random) => part + '='.repeat(random.integer(3) || (4 - (part.length % 4)) % 4 || 1))],
  ['standard-alphabet', inOnePart((part) => part.replaceAll('-', '+').replaceAll('_', '/'))],
  ['trailing-bits', inOnePart(trailingBits)],
  ['longer-remainder', inOnePart((part, random) => part + ALPHABET.slice(0, 1 + random.integer(3)))],
  ['splice', splice],
  ['header-member', inJson(0, changeMember)],
  ['claims-member', inJson(1, changeMember)],
  ['header-text', inJson(0, changeText)],
  ['claims-text', inJson(1, changeText)],
  ['header-space', inJson(0, addSpace)],
  ['claims-space', inJson(1, addSpace)],
]

function flip(token: string, { random }: Tools): string {
  return at(token, random.integer(token.length), 1, ALPHABET[random.integer(64)] ?? '')
}

function insert(token: string, { random }: Tools): string {
  return at(token, random.integer(token.length + 1), 0, ALPHABET[random.integer(64)] ?? '')
}

function duplicate(token: string, { random }: Tools): string {
  const from = random.integer(token.length)
  const piece = token.slice(from, from + 1 + random.integer(16))
  return at(token, random.integer(token.length + 1), 0, piece)
}

function swapParts(token: string, { random }: Tools): string {
  const parts = token.split('.')
  const [one, two] = [random.integer(parts.length), random.integer(parts.length)]
  return parts
    .with(one, parts[two] ?? '')
    .with(two, parts[one] ?? '')
    .join('.')
}

function splice(token: string, { random, others }: Tools): string {
  const other = others.length === 0 ? token : random.pick(others)
  if (random.next() < 0.5) {
    const parts = token.split('.')
    const index = random.integer(parts.length)
    return parts.with(index, other.split('.')[index] ?? '').join('.')
  }
  return token.slice(0, random.integer(token.length)) + other.slice(random.integer(other.length))
}

function inParts(change: (parts: string[], random: Random) => string[]): Change {
  return (token, { random }) => change(token.split('.'), random).join('.')
}

function inOnePart(change: (part: string, random: Random) => string): Change {
  return (token, { random }) => {
    const parts = token.split('.')
    const index = random.integer(parts.length)
    return parts.with(index, change(parts[index] ?? '', random)).join('.')
  }
}

function inJson(index: 0 | 1, change: (text: string, random: Random) => string): Change {
  return (token, { random }) => {
    const parts = token.split('.')
    return parts
      .with(Math.min(index, parts.length - 1), toBase64url(change(fromBase64url(parts[index] ?? ''), random)))
      .join('.')
  }
}

function trailingBits(part: string): string {
  const last = ALPHABET.indexOf(part.slice(-1))
  return last < 0 ? part : part.slice(0, -1) + (ALPHABET[last ^ 1] ?? '')
}

const MEMBERS = [
  'alg',
  'kid',
  'typ',
  'crit',
  'b64',
  'jwk',
  'jku',
  'x5c',
  'iss',
  'aud',
  'exp',
  'nbf',
  'iat',
  'sub',
  'scope',
  'cnf',
  '__proto__',
  'x',
]
const VALUES = [
  'null',
  'true',
  '0',
  '-1',
  '1e999',
  '""',
  '"none"',
  '"HS256"',
  '[]',
  '{}',
  '["b64"]',
  '"\\u0000"',
  '"x"',
  '{"__proto__":{}}',
  '01',
  '"\\ud800"',
  '',
]

/** Adds a member (even if it exists already), removes one, or changes its value. */
function changeMember(text: string, random: Random): string {
  const added = `"${random.pick(MEMBERS)}":${random.pick(VALUES)}`
  const choice = random.integer(4)
  if (choice === 0) return text.replace('{', `{${added},`)
  if (choice === 1) return text.replace(/\}$/, `,${added}}`)
  const members = text.slice(1, -1).split(',')
  const index = random.integer(members.length)
  if (choice === 2) return `{${members.toSpliced(index, 1).join(',')}}`
  return `{${members.with(index, (members[index] ?? '').replace(/:.*$/s, `:${random.pick(VALUES)}`)).join(',')}}`
}

function changeText(text: string, random: Random): string {
  return at(text, random.integer(text.length + 1), random.integer(2), random.pick(STRANGE))
}

function addSpace(text: string, random: Random): string {
  const places = [...text.matchAll(/[{},:]/g)].map(({ index }) => index)
  const place = places.length === 0 ? 0 : random.pick(places) + 1
  return at(text, place, 0, random.pick([' ', '\n', '\t', '\r\n', '\u00A0', '\uFEFF', '\f']))
}

function at(text: string, index: number, removed: number, added: string): string {
  return text.slice(0, index) + added + text.slice(index + removed)
}
