/** A token that a careful resource server must not fall for. */
export interface BadToken {
  /** What is wrong with it. Unique in the list. */
  readonly name: string
  /** Numbers of the requirements in the threat model; none where it is simply not a JWT (RFC 7515, RFC 7519). */
  readonly requirement: readonly number[]
  readonly token: string
  /**
   * - `required`: accepting it is a hole
   * - `optional`: it may be accepted when its strange members do no harm: no prototype is changed, no claim appears
   *   that is not an own member
   */
  readonly refusal: 'required' | 'optional'
}

/** A row of a table of bad tokens: its name and the token, which may still be on its way. */
export type BadTokenRow = readonly [name: string, token: string | Promise<string>]

/** Rows that belong to the same requirements, as bad tokens. */
export function badTokenTable(
  requirement: readonly number[],
  rows: readonly BadTokenRow[],
  refusal: BadToken['refusal'] = 'required',
): Promise<readonly BadToken[]> {
  return Promise.all(rows.map(async ([name, token]) => ({ name, requirement, token: await token, refusal })))
}
