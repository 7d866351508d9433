import { channel } from 'node:diagnostics_channel'
import { format } from 'node:util'

import { kindOfSecret, secretsIn, secretsInUse } from './finds.ts'
import { watchErrors, type ErrorWatch } from './watch-errors.ts'

const finds = new Set<string>()
let errors: ErrorWatch | undefined

/**
 * Watches errors, events, output and the keys in use, from now on. Call it before a test file, and the first time before the packages are
 * loaded.
 */
export function startWatching(): void {
  secretsInUse.forgetSignatures()
  // Files that share a process share the watch: a second one would check everything twice.
  if (errors) return
  watchKeys()
  watchEvents()
  watchOutput()
  errors = watchErrors()
}

/** Where secrets were found since the last call. A test that shows one on purpose calls this, and compares. */
export function takeFinds(): readonly string[] {
  const taken = [...(errors?.takeFinds() ?? []), ...finds]
  finds.clear()
  return taken
}

// Every signature and private key passes through WebCrypto, whichever package or library uses it.
function watchKeys(): void {
  const subtle = SubtleCrypto.prototype
  const { sign, verify, importKey } = subtle
  subtle.sign = function (...values) {
    const signature = sign.apply(this, values)
    if (!isNonce(values[2])) signature.then((bytes) => secretsInUse.addSignature(new Uint8Array(bytes)), ignore)
    return signature
  }
  subtle.verify = function (...values) {
    if (ArrayBuffer.isView(values[2]) && !isNonce(values[3])) secretsInUse.addSignature(bytesOf(values[2]))
    return verify.apply(this, values)
  }
  const watchedImport = function (this: SubtleCrypto, ...values: readonly unknown[]): unknown {
    const [kind, key] = values
    if (kind === 'jwk') secretsInUse.addJwk(key)
    if (kind === 'pkcs8' && ArrayBuffer.isView(key)) secretsInUse.addPkcs8(bytesOf(key))
    return Reflect.apply(importKey, this, values)
  }
  subtle.importKey = watchedImport as typeof importKey
}

// A DPoP nonce is signed too, but anyone may know it: it is sent with every refusal.
function isNonce(signed: unknown): boolean {
  return ArrayBuffer.isView(signed) && new TextDecoder().decode(signed).startsWith('claimgate DPoP nonce ')
}

// The packages freeze each event before they pass it to a listener.
function watchEvents(): void {
  const { freeze } = Object
  Object.freeze = <T>(value: T): Readonly<T> => {
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'type')) {
      const type: unknown = Object.getOwnPropertyDescriptor(value, 'type')?.value
      if (typeof type === 'string' && EVENT.test(type)) add(secretsIn(value, `event ${type}`))
    }
    return freeze(value)
  }
}

function watchOutput(): void {
  for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const) {
    const print = console[method].bind(console) as (...values: readonly unknown[]) => void
    const check = printed(`console.${method}`)
    console[method] = (...values: readonly unknown[]) => {
      check(format(...values))
      print(...values)
    }
  }
  for (const name of ['stdout', 'stderr'] as const) tap(process[name], 'write', printed(name))
  // Examples and servers of other runtimes: an application's logs would hold their output.
  channel('child_process').subscribe((message) => {
    const { process: child } = message as { readonly process: Partial<Record<'stdout' | 'stderr', Tapped>> }
    process.nextTick(() => {
      for (const name of ['stdout', 'stderr'] as const) {
        const stream = child[name]
        if (stream) tap(stream, 'push', printed(`${name} of a child process`))
      }
    })
  })
}

const EVENT = /^[a-z_]+\.[a-z_]+$/
const OVERLAP = 2_000

const ignore = (): void => {}
const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

function add(found: readonly string[]): void {
  for (const find of found) finds.add(find)
}

/** Checks what is written to a place, piece by piece. A secret may be spread over several pieces. */
function printed(place: string): (piece: unknown) => void {
  let before = ''
  return (piece) => {
    const text = before + textOf(piece)
    const kind = kindOfSecret(text)
    if (kind !== undefined) finds.add(`${place}: ${kind}`)
    // Otherwise the next piece would be reported, too.
    before = kind === undefined ? text.slice(-OVERLAP) : ''
  }
}

interface Tapped {
  push?(...values: readonly unknown[]): boolean
  write?(...values: readonly unknown[]): boolean
}

function tap(stream: Tapped, method: keyof Tapped, check: (piece: unknown) => void): void {
  const original = stream[method]?.bind(stream)
  if (!original) return
  stream[method] = (...values) => {
    check(values[0])
    return original(...values)
  }
}

function textOf(piece: unknown): string {
  if (typeof piece === 'string') return piece
  return ArrayBuffer.isView(piece) ? Buffer.from(bytesOf(piece)).toString('latin1') : ''
}
