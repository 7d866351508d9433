import type { VerifierOptions } from '@claimgate/core'
import type { JWK } from 'jose'

/** What a test asks the driver in a runtime to do. Travels as JSON, so that every runtime gets the same. */
export type Command =
  | AlgorithmsCommand
  | OpenCommand
  | VerifyCommand
  | FirstVerifierCommand
  | BeginCommand
  | AdvanceCommand
  | TransportCommand
  | DecryptCommand
  | FormsCommand

/** Try to make a verifier for each algorithm. */
export interface AlgorithmsCommand {
  readonly do: 'algorithms'
  readonly algorithms: readonly string[]
}

/** Keep options, and a verifier made of them, under a name. */
export interface OpenCommand {
  readonly do: 'open'
  readonly name: string
  readonly options: VerifierOptions
  /** `moved` follows `advance` commands; `own` leaves the option out. */
  readonly clock: 'moved' | 'own'
  /** `global` gives the runtime's own `fetch` as an option; `default` leaves the option out. */
  readonly fetch: 'default' | 'global'
}

/** Verify tokens one after the other, by `verifier.verify(token)` or `verify(token, options)`. */
export interface VerifyCommand {
  readonly do: 'verify'
  readonly name: string
  readonly by: 'verifier' | 'function'
  readonly tokens: readonly string[]
}

/** Verify a token with the verifier that was made while the module was loaded; its issuer does not exist. */
export interface FirstVerifierCommand {
  readonly do: 'first-verifier'
  readonly token: string
}

/** Begin to verify a token, and answer without waiting for the outcome: a worker's request then ends, and its I/O with it. */
export interface BeginCommand {
  readonly do: 'begin'
  readonly name: string
  readonly token: string
}

/** Put the moved clock of a verifier forward. */
export interface AdvanceCommand {
  readonly do: 'advance'
  readonly name: string
  readonly seconds: number
}

/** Make a verifier, verify a token, and tell whether its keys came through the runtime's own `fetch`. */
export interface TransportCommand {
  readonly do: 'transport'
  readonly options: VerifierOptions
  readonly token: string
}

/** Verify tokens, encrypted or not, by a nested verifier of its own. */
export interface DecryptCommand {
  readonly do: 'decrypt'
  readonly options: VerifierOptions
  readonly keys: readonly JWK[]
  readonly tokens: readonly string[]
}

/** Send forms of every kind through a gate that looks for the token in them. */
export interface FormsCommand {
  readonly do: 'forms'
  readonly options: VerifierOptions
  readonly token: string
}

/** What became of a form. */
export interface FormAnswer {
  /** 200, or the status of the refusal. */
  readonly status: number
  /** How many bytes the request still has afterwards; `undefined` where it was not asked. */
  readonly left?: number
}

/** What became of one token. */
export interface TokenAnswer {
  /** 200 for a verified token, the status of the refusal, or 500 for anything that is not an `AuthError`. */
  readonly status: number
  /** The code of the refusal, or the message of what should not have been thrown. */
  readonly code?: string
  readonly alg?: string
  readonly sub?: string
  readonly scopes?: readonly string[]
}

/** The answer to each command, by its `do`. */
export interface Answers {
  /** `ok`, or the text of the start-up error. */
  readonly algorithms: Readonly<Record<string, string>>
  readonly open: 'ok'
  readonly verify: readonly TokenAnswer[]
  readonly 'first-verifier': TokenAnswer
  readonly begin: 'ok'
  readonly advance: 'ok'
  readonly decrypt: readonly TokenAnswer[]
  readonly forms: Readonly<Record<string, FormAnswer>>
  readonly transport: { readonly answer: TokenAnswer; readonly through: 'global fetch' | 'something else' }
}
