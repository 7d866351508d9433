import type { TokenVerifier } from '@claimgate/mcp'
import type { RequestHandler } from 'express'

interface Options {
  readonly verifier: TokenVerifier
  readonly requiredScopes?: readonly string[]
  readonly resourceMetadataUrl?: string
  readonly expectedResource?: URL
}

// Imported by a name that the compiler does not follow: the module declares a type of `req.auth` for every program that imports it.
const name: string = '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'

/** `requireBearerAuth` of SDK 1. */
export const { requireBearerAuth } = (await import(name)) as { requireBearerAuth(options: Options): RequestHandler }
