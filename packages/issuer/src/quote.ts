const LONGEST = 80

/** Untrusted text as it may stand in a message: JSON-escaped on one line, shortened, and without what may be a credential. */
export const quote = (text: string): string =>
  escaped(
    JSON.stringify(text.length > LONGEST ? `${withoutCredentials(text).slice(0, LONGEST)}…` : withoutCredentials(text)),
  )

/** A name from elsewhere, such as a field of an answer of AWS, without quotation marks. */
export const printable = (text: string): string => escaped(withoutCredentials(text.slice(0, 4 * LONGEST)))

// Controls, marks that turn the direction of text or show as nothing, line separators and halves of characters: terminals and log readers
// obey them, and JSON.stringify leaves most as they are.
const escaped = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

// Three long parts, as of a JWT, or a long word of the characters of tokens. Key IDs and thumbprints have up to 64 characters.
const CREDENTIAL = /(?:[\w-]{16,}\.){2}[\w.-]*|eyJ[\w-]{8,}\.[\w.-]*|[\w-]{65,}|[A-Za-z0-9+/]{65,}|[\w.~+/-]{100,}/g

const withoutCredentials = (text: string): string => text.slice(0, 4 * LONGEST).replaceAll(CREDENTIAL, '[hidden]')
