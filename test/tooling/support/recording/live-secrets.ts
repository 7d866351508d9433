import { hasRun } from './has-run.ts'
import { SHORTEST } from './secret-in.ts'

/** The secrets that tests use just now. */
export interface LiveSecrets {
  /** Of a signed token, the signature. Whatever else is given counts for nothing. */
  addToken(token: unknown): void
  /** Of a JWK, the members that RFC 7518 section 6 calls private. Whatever else is given counts for nothing. */
  addJwk(jwk: unknown): void
  /** Of a private key in PEM (PKCS #8), what its public key does not hold as well. */
  addPem(pem: unknown): void
  /** Whether the text holds 40 characters in a row of one of them. */
  showIn(text: string): boolean
}

/** An empty collection. Of tokens it takes the first thousands, for only malformed ones come in greater number. */
export function liveSecrets(): LiveSecrets {
  const secrets = new Set<string>()
  const known = new Set<string>()
  // Most of a text is told apart by three letters.
  const beginnings = new Uint8Array(64 ** 3)

  const add = (secret: string): void => {
    if (secret.length < SHORTEST || secret.length > LONGEST || secrets.has(secret)) return
    secrets.add(secret)
    for (const piece of pieces(secret)) {
      known.add(piece)
      beginnings[beginningAt(piece, 0)] = 1
    }
  }

  return {
    addToken: (token) => {
      if (typeof token !== 'string' || secrets.size >= MOST_TOKENS) return
      const dot = token.lastIndexOf('.')
      if (dot > 0 && token.length - dot <= LONGEST) add(token.slice(dot + 1))
    },
    addJwk: (jwk) => {
      if (typeof jwk !== 'object' || jwk === null) return
      for (const name of PRIVATE_MEMBERS) {
        const member: unknown = Object.getOwnPropertyDescriptor(jwk, name)?.value
        if (typeof member === 'string') add(member)
      }
    },
    addPem: (pem) => {
      const text = pem instanceof Uint8Array ? new TextDecoder().decode(pem) : pem
      if (typeof text === 'string') add(privatePart(text))
    },
    showIn: (text) => {
      if (!hasRun(text, SHORTEST)) return false
      for (const [run] of text.matchAll(RUN)) {
        const plain = inBase64Url(run)
        for (let at = 0; at + PIECE <= plain.length; at += 1) {
          if (beginnings[beginningAt(plain, at)] !== 1) continue
          const piece = plain.slice(at, at + PIECE)
          if (known.has(piece)) return true
        }
      }
      return false
    },
  }
}

// Six bits of each letter: some share them, and are told apart later.
const beginningAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) & 63) << 12) | ((text.charCodeAt(at + 1) & 63) << 6) | (text.charCodeAt(at + 2) & 63)

const LONGEST = 10_000
const MOST_TOKENS = 2_000
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']
const RUN = /(?<![\w+/-])[\w+/-]{40,}/g

// Wherever 40 characters of a secret begin, they hold one whole piece of it.
const PIECE = SHORTEST / 2
// A repeated letter is what tests put in place of a signature, and of much else.
const LEAST_LETTERS = 8

function* pieces(secret: string): Generator<string> {
  for (let at = 0; at + PIECE <= secret.length; at += PIECE) {
    const piece = secret.slice(at, at + PIECE)
    if (hasLetters(piece, LEAST_LETTERS)) yield piece
  }
}

function hasLetters(piece: string, count: number): boolean {
  let letters = ''
  for (let at = 0; at < piece.length && letters.length < count; at += 1) {
    const letter = piece.charAt(at)
    if (!letters.includes(letter)) letters += letter
  }
  return letters.length >= count
}

// The modulus of an RSA key ends well before the middle; a private scalar comes first in all other keys, after their algorithm.
function privatePart(pem: string): string {
  const [, found = ''] = /-----BEGIN PRIVATE KEY-----([^-]*)-----END/.exec(pem.replaceAll('\\n', '\n')) ?? []
  const body = inBase64Url(found.replaceAll(/\s/g, ''))
  if (body.length > 500) return body.slice(body.length / 2)
  return body.length < 100 ? body.slice(22) : body.slice(48, 90)
}

function inBase64Url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_')
}
