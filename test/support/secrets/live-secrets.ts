import { hasRun, SHORTEST } from './secret-in.ts'

/** The secrets in use by tests, which are found by their value. */
export interface LiveSecrets {
  addSignature(signature: Uint8Array): void
  /** The private members of a JWK (RFC 7518 section 6). Ignores everything else. */
  addJwk(jwk: unknown): void
  /** The part of a private key in PKCS #8 that its public key does not contain. */
  addPkcs8(key: Uint8Array): void
  /** Keys stay: other test files may use them. */
  forgetSignatures(): void
  /** Whether the text holds 40 consecutive characters of one of them. */
  showIn(text: string): boolean
}

/** An empty collection. Keeps only the first thousands of signatures, because only fuzz tests make more. */
export function liveSecrets(): LiveSecrets {
  const keys = secretPieces()
  const signatures = secretPieces()

  return {
    addSignature: (signature) => {
      if (signatures.count() < MOST_SIGNATURES) signatures.add(base64Url(signature))
    },
    addJwk: (jwk) => {
      if (typeof jwk !== 'object' || jwk === null) return
      for (const name of PRIVATE_MEMBERS) {
        const member: unknown = Object.getOwnPropertyDescriptor(jwk, name)?.value
        if (typeof member === 'string') keys.add(member)
      }
    },
    addPkcs8: (key) => keys.add(privatePart(base64Url(key))),
    forgetSignatures: () => signatures.clear(),
    showIn: (text) => {
      if (!hasRun(text, SHORTEST)) return false
      for (const [run] of text.matchAll(RUN)) {
        const plain = inBase64Url(run)
        if (signatures.showIn(plain) || keys.showIn(plain)) return true
      }
      return false
    },
  }
}

interface SecretPieces {
  add(secret: string): void
  count(): number
  clear(): void
  showIn(plain: string): boolean
}

function secretPieces(): SecretPieces {
  const secrets = new Set<string>()
  const known = new Set<string>()
  // Three characters rule out most positions of a text.
  const beginnings = new Uint8Array(64 ** 3)

  return {
    add: (secret) => {
      if (secret.length < SHORTEST || secret.length > LONGEST || secrets.has(secret)) return
      secrets.add(secret)
      for (const piece of pieces(secret)) {
        known.add(piece)
        beginnings[beginningAt(piece, 0)] = 1
      }
    },
    count: () => secrets.size,
    clear: () => {
      secrets.clear()
      known.clear()
      beginnings.fill(0)
    },
    showIn: (plain) => {
      for (let at = 0; at + PIECE <= plain.length; at += 1) {
        if (beginnings[beginningAt(plain, at)] !== 1) continue
        if (known.has(plain.slice(at, at + PIECE))) return true
      }
      return false
    },
  }
}

// Six bits of each character. Some characters share them, so a match is compared in full.
const beginningAt = (text: string, at: number): number =>
  ((text.charCodeAt(at) & 63) << 12) | ((text.charCodeAt(at + 1) & 63) << 6) | (text.charCodeAt(at + 2) & 63)

const LONGEST = 10_000
const MOST_SIGNATURES = 2_000
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']
const RUN = /(?<![\w+/-])[\w+/-]{40,}/g

// Any 40 consecutive characters of a secret contain one whole piece of it.
const PIECE = SHORTEST / 2
// Tests use repeated letters as false signatures and elsewhere.
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

// The modulus of an RSA key ends before the middle. In every other key the private scalar comes first, after the algorithm.
function privatePart(key: string): string {
  if (key.length > 500) return key.slice(key.length / 2)
  return key.length < 100 ? key.slice(22) : key.slice(48, 90)
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

function inBase64Url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_')
}
