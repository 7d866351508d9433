import { liveSecrets, type LiveSecrets } from './live-secrets.ts'
import { secretIn, SHORTEST } from './secret-in.ts'
import { textsOf } from './texts-of.ts'

/** Looks for secrets in all it is shown, at once, and keeps nothing of it but where they stood. */
export interface Recorder {
  readonly live: LiveSecrets
  /** An error that has just been made. It is given back. */
  error<E>(error: E): E
  /** The same constructor, but what it makes is recorded. */
  errors(constructor: ErrorConstructor): ErrorConstructor
  event(event: unknown): void
  /** What is written to a place, piece by piece; a secret may be spread over several. */
  output(place: string): (piece: unknown) => void
  /** Where secrets were found since the last call. Holds nothing of the secrets. */
  takeFinds(): readonly string[]
}

/** A recorder that has seen nothing. */
function createRecorder(): Recorder {
  const live = liveSecrets()
  const finds = new Set<string>()
  let errors = 0
  const kindOf = (text: string): string | undefined => {
    if (text.length < SHORTEST) return undefined
    return secretIn(text) ?? (live.showIn(text) ? 'part of a token or key that is in use' : undefined)
  }
  const lookAt = (value: unknown, what: () => string): void => {
    textsOf(value, (text, place) => {
      const kind = kindOf(text)
      if (kind !== undefined) finds.add(`${what()}, ${place()}: ${kind}`)
    })
  }

  const record = <E>(error: E): E => {
    errors += 1
    const isOneOfMany = errors > WHOLE_ERRORS && error instanceof Error
    lookAt(isOneOfMany ? { message: error.message } : error, () => titleOf(error))
    return error
  }

  return {
    live,
    error: record,
    errors: (constructor) => {
      const construct = (target: ErrorConstructor, values: readonly unknown[], made: Function): object => {
        const error = Reflect.construct(target, values, made) as object
        // Stack traces are the same with and without it.
        Error.captureStackTrace(error, construct)
        return record(error)
      }
      return new Proxy(constructor, { construct })
    },
    event: (event) => lookAt(event, () => `event ${String((event as { readonly type?: unknown }).type)}`),
    output: (place) => {
      let before = ''
      return (piece) => {
        const text = before + textOf(piece)
        const kind = kindOf(text)
        if (kind !== undefined) finds.add(`${place}: ${kind}`)
        // What has been found once is not to be found again behind the next piece.
        before = kind === undefined ? text.slice(-OVERLAP) : ''
      }
    },
    takeFinds: () => {
      const taken = [...finds]
      finds.clear()
      errors = 0
      return taken
    },
  }
}

/** The recorder of this test worker. Sources that the plugin has prepared look for it by this key of `globalThis`. */
export const RECORDER_KEY = 'claimgate.test.recorder'

/** The recorder of this test worker. */
export function recorder(): Recorder {
  const place = globalThis as unknown as Record<symbol, Recorder | undefined>
  return (place[Symbol.for(RECORDER_KEY)] ??= createRecorder())
}

// So many errors of a test are looked into. Of further ones, which only malformed tokens by the thousand cause, the message must do: it
// quotes what the members hold.
const WHOLE_ERRORS = 500
const OVERLAP = 2_000

function titleOf(error: unknown): string {
  if (!(error instanceof Error)) return 'thrown value'
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && code.length < SHORTEST ? `${error.name} ${code}` : error.name
}

function textOf(piece: unknown): string {
  if (typeof piece === 'string') return piece
  if (!(piece instanceof Uint8Array)) return ''
  return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString('latin1')
}
