/** Colours by meaning. `dim` is for what a reader may skip. */
export type Style = 'good' | 'bad' | 'warning' | 'dim' | 'bold'

/** A piece of a line. Its text may come from a token or from the network: the terminal escapes it when it prints. */
export type Span = string | { readonly style: Style; readonly text: string }

/** One line of text. An array is printed without anything between its spans. */
export type Line = Span | readonly Span[]

export const styled = (style: Style, text: string): Span => ({ style, text })

// Controls, bidirectional and invisible marks, line separators and lone surrogates: a terminal acts on them or hides them.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Escapes everything that a terminal could act on: control characters, bidirectional and invisible marks, line breaks. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** JSON in which every character that a terminal could act on is an escape of JSON. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
    .split('\n')
    .map((line) => printable(line))
    .join('\n')
}
