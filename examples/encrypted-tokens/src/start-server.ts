import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decryptionKeys } from '@claimgate/core/jwe'
import { decryptionKeyFromPem } from '@claimgate/core/node'
import { createIssuer } from '@claimgate/issuer'
import { encryptedPemSigner } from '@claimgate/issuer/node'
import { createApp } from './app.ts'
import { keyFile } from './key-file.ts'
import { AUDIENCE, clientSecret, type Environment, ISSUER, keyPlace } from './settings.ts'

/** A running server. */
export interface Server {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** Stops listening and closes every connection. */
  close(): Promise<void>
}

/**
 * Starts the server on a port of 127.0.0.1; 0 selects a free one. It has two keys: one only signs, the other only decrypts.
 *
 * @throws TypeError for incomplete settings, and for a key file with another passphrase
 */
export const startServer = async (env: Environment, port: number): Promise<Server> => {
  const place = keyPlace(env)
  const signing = await keyFile('server-signing', place)
  const encryption = await keyFile('server-encryption', place)
  const signer = await encryptedPemSigner(signing.pem, { algorithm: 'ES256', passphrase: signing.passphrase })
  const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, signer })
  const keys = decryptionKeys(decryptionKeyFromPem(encryption.pem, encryption.passphrase))
  await keys.ready()

  const server = createServer(createApp({ issuer, keys, clientSecret: clientSecret(env) }))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
