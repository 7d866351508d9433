import { asError, type RefusedError, refusedError } from '../adapter.ts'

/**
 * Why a call is refused, in the words of the protocols that carry several calls in a request or a connection. The message and the headers
 * are fixed text that may be sent. `cause` is for logs only: an `AuthError`, or for status 500 a bug.
 */
export interface RefusedCall extends Error {
  readonly name: 'RefusedCall'
  /** The HTTP status. */
  readonly status: RefusedStatus
  /** The challenge and related headers. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The code of a `TRPCError`. */
  readonly trpcCode: (typeof WORDS)[RefusedStatus]['trpcCode']
  /** The status code of gRPC: 3 INVALID_ARGUMENT, 7 PERMISSION_DENIED, 13 INTERNAL, 14 UNAVAILABLE, 16 UNAUTHENTICATED, and for forms 4 and 8. */
  readonly grpcCode: (typeof WORDS)[RefusedStatus]['grpcCode']
  /** The `extensions` of a `GraphQLError`. GraphQL Yoga answers with the status and headers of `http`. */
  readonly extensions: {
    readonly code: (typeof WORDS)[RefusedStatus]['code']
    readonly http: { readonly status: RefusedStatus; readonly headers: Readonly<Record<string, string>> }
  }
}

type RefusedStatus = keyof typeof WORDS

const WORDS = {
  400: {
    trpcCode: 'BAD_REQUEST',
    grpcCode: 3,
    code: 'BAD_REQUEST',
    message: 'The request does not carry exactly one well-formed access token',
  },
  401: {
    trpcCode: 'UNAUTHORIZED',
    grpcCode: 16,
    code: 'UNAUTHENTICATED',
    message: 'This call needs a valid access token',
  },
  403: {
    trpcCode: 'FORBIDDEN',
    grpcCode: 7,
    code: 'FORBIDDEN',
    message: 'The access token does not grant what this call needs',
  },
  408: {
    trpcCode: 'TIMEOUT',
    grpcCode: 4,
    code: 'TIMEOUT',
    message: 'The form did not arrive in time to look for an access token',
  },
  413: {
    trpcCode: 'PAYLOAD_TOO_LARGE',
    grpcCode: 8,
    code: 'PAYLOAD_TOO_LARGE',
    message: 'The form is too large to look for an access token',
  },
  500: {
    trpcCode: 'INTERNAL_SERVER_ERROR',
    grpcCode: 13,
    code: 'INTERNAL_SERVER_ERROR',
    message: 'The call could not be authorized',
  },
  503: {
    trpcCode: 'SERVICE_UNAVAILABLE',
    grpcCode: 14,
    code: 'SERVICE_UNAVAILABLE',
    message: 'Access tokens cannot be verified at the moment',
  },
} as const

/** The refusal of a call, from the refusal of its request. */
export function refusedCall(refused: Parameters<typeof refusedError>[0]): RefusedCall {
  const { status, headers, cause } = refusedError(refused)
  return made(status, headers, cause)
}

/** The refusal of a call because of a bug, whose message must not be sent. */
export function failedCall(thrown: unknown): RefusedCall {
  return made(500, {}, asError(thrown))
}

function made(given: number, headers: RefusedError['headers'], cause: unknown): RefusedCall {
  const status = Object.hasOwn(WORDS, given) ? (given as RefusedStatus) : 500
  const { trpcCode, grpcCode, code, message } = WORDS[status]
  const extensions = { code, http: { status, headers } }
  const words = { name: 'RefusedCall', status, headers, trpcCode, grpcCode, extensions } as const
  return Object.assign(new Error(message, { cause }), words)
}
