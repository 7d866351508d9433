import { keyFile } from './key-file.ts'
import { clientSecret, keyPlace } from './settings.ts'
import { createTokenClient } from './token-client.ts'

const { env } = process
const client = await createTokenClient({
  server: env['SERVER'] ?? 'http://127.0.0.1:4030',
  secret: clientSecret(env),
  key: await keyFile('client-encryption', keyPlace(env)),
})
const show = async (what: string, path: string, token: string): Promise<void> => {
  const { status, body } = await client.call(path, token)
  console.log(`${path.padEnd(17)} ${what.padEnd(20)} ${status} ${status === 200 ? body : ''}`.trimEnd())
}

const received = await client.fetchToken()
const { jwt, verified } = await client.open(received)
console.log(`received a token in ${received.split('.').length} parts; inside, signed: sub ${verified.claims.sub}`)
const sealed = await client.seal(jwt)
await show('encrypted to server', '/api/v1/protected', sealed)
await show('signed alone', '/api/v1/protected', jwt)
await show('encrypted to client', '/api/v1/protected', received)
await show('encrypted to server', '/api/v1/mixed', sealed)
await show('signed alone', '/api/v1/mixed', jwt)
