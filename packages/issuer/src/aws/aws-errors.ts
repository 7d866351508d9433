import { has, own, ownOptions } from '../refusal.ts'

class AwsError<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/**
 * Why KMS returned no public key or no signature. Codes are stable; messages are not.
 *
 * - `kms_key_not_found`: there is no such key in the client's account and region
 * - `kms_key_disabled`: the key is disabled
 * - `kms_key_state`: the key is not usable in its current state, such as pending import or deletion
 * - `kms_key_unfit`: the key is not a signing key, or does not support the requested algorithm
 * - `kms_denied`: the credentials lack the permission, are wrong or have expired
 * - `kms_throttled`: too many requests, and the client has stopped retrying
 * - `kms_timeout`: no response within `timeout`
 * - `kms_unavailable`: no connection, a truncated or invalid response, or an error inside the service
 * - `kms_message_too_long`: the message is too long for an Ed25519 key in KMS
 * - `kms_refused`: any other refusal
 */
export type KmsErrorCode =
  | 'kms_key_not_found'
  | 'kms_key_disabled'
  | 'kms_key_state'
  | 'kms_key_unfit'
  | 'kms_denied'
  | 'kms_throttled'
  | 'kms_timeout'
  | 'kms_unavailable'
  | 'kms_message_too_long'
  | 'kms_refused'

/** A failed request to KMS or an unfit key; `code` says which. If KMS or the SDK threw an error, it is the `cause`. */
export class KmsError extends AwsError<KmsErrorCode> {
  override readonly name: string = 'KmsError'
}

/**
 * Why a key could not be loaded from or stored in Parameter Store. Codes are stable; messages are not.
 *
 * - `parameter_not_found`: there is no such parameter, version or label
 * - `parameter_store_denied`: the credentials lack the permission, are wrong or have expired
 * - `parameter_key_unusable`: the KMS key that encrypts the parameter is disabled, deleted or unknown
 * - `parameter_not_secure`: the parameter is not a SecureString
 * - `parameter_unfit`: its value is not a private key for the algorithm
 * - `parameter_store_throttled`: too many requests, and the client has stopped retrying
 * - `parameter_store_timeout`: no response within `timeout`
 * - `parameter_store_unavailable`: no connection, a truncated or invalid response, or an error inside the service
 * - `parameter_store_refused`: any other refusal, such as an invalid name or an exceeded limit
 */
export type ParameterStoreErrorCode =
  | 'parameter_not_found'
  | 'parameter_store_denied'
  | 'parameter_key_unusable'
  | 'parameter_not_secure'
  | 'parameter_unfit'
  | 'parameter_store_throttled'
  | 'parameter_store_timeout'
  | 'parameter_store_unavailable'
  | 'parameter_store_refused'

/** A failure to load or store a key; `code` says which. Neither the error nor its `cause` contains the parameter's value. */
export class ParameterStoreError extends AwsError<ParameterStoreErrorCode> {
  override readonly name: string = 'ParameterStoreError'
}

/** What some errors of AWS mean. */
interface AwsErrorRow {
  /** Where it begins with `*`, any service may report it under its own prefix. */
  readonly code: string
  /** Whether the same request may succeed later without a change. */
  readonly passes: boolean
  /** The rule that was broken. */
  readonly rule: string
  /** The names that services and the SDK give to the errors. Their message texts are not used. */
  readonly names: string
}

const UNAVAILABLE: AwsErrorRow = {
  code: '*_unavailable',
  passes: true,
  rule: '{service} must give a usable answer',
  names: 'InternalServerError InternalFailure ServiceUnavailable ServiceUnavailableException',
}

const REFUSED: AwsErrorRow = { code: '*_refused', passes: false, rule: '{service} must accept the request', names: '' }

/** The table of AWS errors. Errors that are not in it are refusals if the service blames the client, and outages otherwise. */
const AWS_ERRORS: readonly AwsErrorRow[] = [
  UNAVAILABLE,
  { code: '*_timeout', passes: true, rule: '{service} must answer in time ("timeout")', names: 'TimeoutError' },
  {
    code: '*_throttled',
    passes: true,
    rule: 'requests must be fewer; or let the client try more often ("maxAttempts"), or have the quota raised',
    names:
      'ThrottlingException Throttling TooManyRequestsException RequestLimitExceeded LimitExceededException TooManyUpdates',
  },
  {
    code: '*_denied',
    passes: false,
    rule: 'the credentials must allow {permissions}',
    names: 'AccessDeniedException AccessDenied UnauthorizedOperation InvalidGrantTokenException',
  },
  {
    code: '*_denied',
    passes: false,
    rule: 'the credentials must be there, right and unexpired',
    names:
      'UnrecognizedClientException InvalidClientTokenId InvalidSignatureException IncompleteSignatureException ' +
      'IncompleteSignature MissingAuthenticationTokenException ExpiredTokenException ExpiredToken OptInRequired ' +
      'CredentialsProviderError TokenProviderError',
  },
  {
    code: 'kms_key_not_found',
    passes: false,
    rule: 'there must be such a key in the account and the region of the client',
    names: 'NotFoundException InvalidArnException',
  },
  { code: 'kms_key_disabled', passes: false, rule: 'the key must be enabled', names: 'DisabledException' },
  {
    code: 'kms_key_state',
    passes: false,
    rule: 'the key must be ready for use, not about to be created, imported or deleted',
    names: 'KMSInvalidStateException',
  },
  {
    code: 'kms_key_unfit',
    passes: false,
    rule: 'the key must be an asymmetric one with key usage SIGN_VERIFY that has the algorithm',
    names: 'InvalidKeyUsageException UnsupportedOperationException',
  },
  {
    code: 'parameter_not_found',
    passes: false,
    rule: 'there must be such a parameter in the client\'s region; store a PKCS #8 PEM, or set "createIfMissing"',
    names: 'ParameterNotFound ParameterVersionNotFound',
  },
  {
    code: 'parameter_key_unusable',
    passes: false,
    rule: 'the KMS key that encrypts the parameter must exist and be enabled',
    names: 'InvalidKeyId',
  },
]

/** How one AWS service uses the table. */
export interface AwsService<Code extends string> {
  readonly name: string
  /** Replaces the `*` of codes. */
  readonly prefix: string
  /** Which rows it has, by their code. */
  readonly rows: RegExp
  /** What the credentials must allow. */
  readonly permissions: string
  /** What the text of an unknown error may quote. The text is left out for this reason. */
  readonly secret: string
  /** Whether the refusals of the service may quote the secret too. */
  readonly refusalsQuote: boolean
  readonly Failure: new (code: Code, message: string, cause: unknown) => AwsError<Code>
}

/** AWS KMS. */
export const KMS: AwsService<KmsErrorCode> = {
  name: 'KMS',
  prefix: 'kms',
  rows: /^(?:\*|kms)_/,
  permissions: 'kms:GetPublicKey and kms:Sign for the key',
  secret: 'the answer',
  refusalsQuote: false,
  Failure: KmsError,
}

/** AWS Systems Manager Parameter Store. */
export const PARAMETER_STORE: AwsService<ParameterStoreErrorCode> = {
  name: 'Parameter Store',
  prefix: 'parameter_store',
  rows: /^(?:\*|parameter)_/,
  permissions: 'ssm:GetParameter, ssm:PutParameter to create it, and kms:Decrypt for the key that encrypts it',
  secret: 'the parameter',
  refusalsQuote: true,
  Failure: ParameterStoreError,
}

/** Whether the same request may succeed later without a change, so the error says nothing about the key. */
export const passesByItself = ({ code }: ParameterStoreError): boolean =>
  AWS_ERRORS.some((row) => row.passes && code.endsWith(row.code.slice(1)))

/**
 * Translates an error of an SDK. Neither the message nor the cause contains a secret.
 *
 * @param action the end of a sentence that begins with "Cannot"
 */
export const fromAwsError = <Code extends string>(
  service: AwsService<Code>,
  action: string,
  error: unknown,
): AwsError<Code> => {
  const name = nameOf(error)
  const known = AWS_ERRORS.find((row) => service.rows.test(row.code) && row.names.split(' ').includes(name))
  const fault = error instanceof Error ? own(error, '$fault') : undefined
  const { code, rule } = known ?? (fault === 'client' ? REFUSED : UNAVAILABLE)
  const sentence = rule.replace('{service}', service.name).replace('{permissions}', service.permissions)
  const quotes = known === undefined && !isSystemError(error) && (service.refusalsQuote || fault === undefined)
  const cause = quotes || !(error instanceof Error) ? withoutText(service, error) : withoutResponse(error)
  const { Failure } = service
  return new Failure(code.replace('*', service.prefix) as Code, `Cannot ${action}: ${sentence}, found ${name}`, cause)
}

/** Whether this is a socket or DNS error. Node sets `syscall` on these; their text contains only addresses. */
const isSystemError = (error: unknown): boolean => error instanceof Error && has(error, 'syscall')

/** A name that is safe to put in a message: the one set by the service or the SDK, or the code of a system error. */
const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error
  const name = (isSystemError(error) ? own(error, 'code') : undefined) ?? error.name
  return typeof name === 'string' && /^[\w.-]{1,80}$/.test(name) ? name : 'an error'
}

/** Of an error whose text may quote a secret, only the name, the HTTP status and the request ID. */
const withoutText = ({ secret }: { readonly secret: string }, error: unknown): Error => {
  const metadata = typeof error === 'object' && error !== null ? own(error, '$metadata') : undefined
  const { httpStatusCode: status, requestId: id } = ownOptions<{ httpStatusCode?: unknown; requestId?: unknown }>(
    Object(metadata) as object,
    [],
  )
  const clues = [
    `its text is left out, since it may quote ${secret}`,
    ...(typeof status === 'number' ? [`HTTP status ${status}`] : []),
    ...(typeof id === 'string' && /^[\w-]{1,80}$/.test(id) ? [`request ID ${id}`] : []),
  ]
  return Object.assign(new Error(clues.join('; ')), { name: nameOf(error) })
}

/**
 * Copies the error without the response that the SDK attaches as a hidden member. Through its socket, that response leads to the
 * request headers, including the session token, and some loggers print hidden members.
 */
const withoutResponse = (error: Error): Error => {
  if (!Object.hasOwn(error, '$response')) return error
  const copy = new Error(error.message)
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object)
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(error))) {
    if (!LEFT_BEHIND.has(name)) Object.defineProperty(copy, name, descriptor)
  }
  if (error.stack !== undefined) copy.stack = error.stack
  return copy
}

const LEFT_BEHIND: ReadonlySet<string> = new Set(['$response', '$responseBodyText', 'stack'])
