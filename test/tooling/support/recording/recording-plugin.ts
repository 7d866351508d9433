import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

import type { Plugin } from 'vitest/config'

import { RECORDER_KEY } from './recorder.ts'

/** A line of a source file, and what the tests' build of it records there. */
export interface RecordingPoint {
  readonly file: string
  readonly line: string
  /** In terms of the recorder. */
  readonly record: string
  readonly where: 'before' | 'after'
}

const CORE = 'packages/core/src'
const ISSUER = 'packages/issuer/src'

/** The places that a test suite without secrets depends on. Errors of other kinds are recorded wherever they are made. */
export const RECORDING_POINTS: readonly RecordingPoint[] = [
  {
    file: `${CORE}/errors/auth-error.ts`,
    line: 'this.scopes = Object.isFrozen(scopes) ? scopes : Object.freeze([...scopes])',
    record: 'error(this)',
    where: 'after',
  },
  { file: `${CORE}/model/emit.ts`, line: 'if (!listener) return', record: 'event(event)', where: 'before' },
  {
    file: `${CORE}/verifier.ts`,
    line: 'const answer = jwts.verify(token, contextOf(context))',
    record: 'live.addToken(token)',
    where: 'before',
  },
  { file: `${ISSUER}/kms/kms-error.ts`, line: 'this.code = code', record: 'error(this)', where: 'after' },
  {
    file: `${ISSUER}/parameter-store/parameter-store-error.ts`,
    line: 'this.code = code',
    record: 'error(this)',
    where: 'after',
  },
  {
    file: `${ISSUER}/parameter-store/parameter-store-key.ts`,
    line: 'event: ParameterStoreEvent): void => {',
    record: 'event(event)',
    where: 'after',
  },
  {
    file: `${ISSUER}/signer/key-material.ts`,
    line: 'if (key === undefined) return fromKeyPair(',
    record: 'live.addJwk(key)',
    where: 'before',
  },
  {
    file: `${ISSUER}/signer/pem-signer.ts`,
    line: 'export const pemSigner = async (pem: string | Uint8Array, options: PemSignerOptions): Promise<Signer> => {',
    record: 'live.addPem(pem)',
    where: 'after',
  },
]

/** Files whose errors must be seen, though not through a point. */
export const ERROR_MAKERS: readonly string[] = [`${CORE}/errors/misconfigured.ts`, `${ISSUER}/refusal.ts`]

/**
 * The source as the tests run it: it shows its errors, events and secrets to the recorder of the worker, if there is one. Lines stay where
 * they are. A source without anything to record is given back as it is.
 *
 * @throws Error where a line of `RECORDING_POINTS` is no longer there
 */
export function withRecording(file: string, source: string): string {
  const points = RECORDING_POINTS.filter((point) => point.file === file)
  const marked = points.reduce(withPoint, source)
  // These record themselves when they are complete, and some are made by the hundred thousand.
  if (points.some(({ record }) => record === 'error(this)')) return marked
  const made = new Set([...source.matchAll(MADE)].map(([, name = '']) => name))
  const shadows = [...made].map(
    (name) => `const ${name} = ${RECORDER}?.errors(globalThis.${name}) ?? globalThis.${name};`,
  )
  return shadows.join(' ') + marked
}

/** Prepares the sources of all packages for `setup.ts`. */
export function recordingPlugin(root: string): Plugin {
  // Before any test, for a file that has moved would never come along to be missed.
  for (const file of new Set([...RECORDING_POINTS.map((point) => point.file), ...ERROR_MAKERS])) {
    const source = readFileSync(join(root, file), 'utf8')
    if (withRecording(file, source) === source) throw new Error(`${file} makes no error any more: ${ADVICE}`)
  }
  return {
    name: 'claimgate:record-errors-and-events',
    enforce: 'pre',
    transform: (source, id) => {
      const file = relative(root, id).split(sep).join('/')
      if (!SOURCES.test(file) || TESTS.test(file) || file === OTHER_SIDE) return undefined
      const code = withRecording(file, source)
      return code === source ? undefined : { code, map: null }
    },
  }
}

const ADVICE = 'tell test/tooling/support/recording/recording-plugin.ts where tests can see it now'
const RECORDER = `globalThis[Symbol.for('${RECORDER_KEY}')]`
const SOURCES = /^packages\/[\w-]+\/src\/.+\.ts$/
const TESTS = /\.test(?:-support)?\.ts$/
// What a fake of AWS says, which may quote what it was sent.
const OTHER_SIDE = 'packages/testing/src/aws/aws-refusal.ts'
const MADE = /(?:\bnew|\bextends) ((?:Aggregate|Range|Syntax|Type)?Error)\b/g

function withPoint(source: string, { file, line, record, where }: RecordingPoint): string {
  const [before, after, ...more] = source.split(line)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${file} must have the line "${line}" once: ${ADVICE}`)
  const call = `${RECORDER}?.${record};`
  return where === 'before' ? `${before}${call} ${line}${after}` : `${before}${line}; ${call}${after}`
}
