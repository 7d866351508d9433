/** Environment variables by name, like `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The issuer and the audience of the tokens. */
export interface TokenSettings {
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The `aud` of the tokens. */
  readonly audience: string
}

/** Reads `JWT_ISSUER` and `JWT_AUDIENCE`, the variables that the API also reads. Both have defaults, so that a first run needs none. */
export const tokenSettings = (env: Environment): TokenSettings => ({
  issuer: env['JWT_ISSUER'] ?? 'https://tokens.example',
  audience: env['JWT_AUDIENCE'] ?? 'orders-api',
})
