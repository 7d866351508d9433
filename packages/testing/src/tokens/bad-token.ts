/** A token that a careful resource server must not accept. */
export interface BadToken {
  /** What is wrong with it. Unique in the list. */
  readonly name: string
  /** Numbers of the requirements in the threat model; empty if it is simply not a JWT (RFC 7515, RFC 7519). */
  readonly requirement: readonly number[]
  readonly token: string
  /**
   * - `required`: accepting it is a vulnerability
   * - `optional`: accepting it is fine if its unusual members are harmless: no prototype is changed, and every claim is an own member
   */
  readonly refusal: 'required' | 'optional'
}

/** A row of a table of bad tokens: the name and the token, or a promise of it. */
export type BadTokenRow = readonly [name: string, token: string | Promise<string>]

/** Converts rows with the same requirements to bad tokens. */
export function badTokenTable(
  requirement: readonly number[],
  rows: readonly BadTokenRow[],
  refusal: BadToken['refusal'] = 'required',
): Promise<readonly BadToken[]> {
  return Promise.all(rows.map(async ([name, token]) => ({ name, requirement, token: await token, refusal })))
}
