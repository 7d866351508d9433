/** Environment variables by name, as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What tokens say about where they come from and where they may go. */
export interface TokenSettings {
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The `aud` of the tokens. */
  readonly audience: string
}

/** `JWT_ISSUER` and `JWT_AUDIENCE`, the same two variables that the API reads, with defaults for a first run. */
export const tokenSettings = (env: Environment): TokenSettings => ({
  issuer: env['JWT_ISSUER'] ?? 'https://tokens.example',
  audience: env['JWT_AUDIENCE'] ?? 'orders-api',
})
