import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm'
import { type FakeSsm, type FakeSsmOptions, startFakeSsm } from '@claimgate/testing/aws'
import { expect, onTestFinished } from 'vitest'

/** A fake that is closed after the test. */
export async function fakeSsm(options: FakeSsmOptions = {}): Promise<FakeSsm> {
  const fake = await startFakeSsm(options)
  onTestFinished(() => fake.close())
  return fake
}

/** The real client, connected to the fake, with one attempt unless configured. It is closed after the test. */
export function ssmClient({ endpoint }: { readonly endpoint: string }, config: SSMClientConfig = {}): SSMClient {
  const client = new SSMClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
    maxAttempts: 1,
    ...config,
  })
  onTestFinished(() => client.destroy())
  return client
}

/** A PKCS #8 PEM of a new P-256 key. */
export function p256Pem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The error that it rejects with. */
export async function rejection(attempt: Promise<unknown>): Promise<unknown> {
  const settled = await attempt.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  expect(settled, 'a rejection').toBeDefined()
  return settled?.error
}

/** Everything that can be read of a value, including hidden members. */
export function everything(value: unknown): string {
  return inspect(value, { depth: 30, showHidden: true, maxStringLength: null, maxArrayLength: null })
}

/** Fails if the text contains 9 consecutive characters of the PEM's body, as it is or with escaped line ends. */
export function expectNothingOf(pem: string, text: string): void {
  const body = pem.replaceAll(/-----[^-]+-----/g, '').replaceAll(/\s/g, '')
  const seen = text.replaceAll(/\\[nr]|\s/g, '')
  // The first characters of a PKCS #8 PEM state the algorithm, and are the same in all keys of a type.
  for (let at = 36; at + 9 <= body.length; at += 1) {
    if (seen.includes(body.slice(at, at + 9))) throw new Error(`quotes the key at character ${at}`)
  }
}
