import {
  createCipheriv,
  createECDH,
  createHash,
  type ECDH,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  constants,
} from 'node:crypto'

import { encode } from './refusal.ts'

/** How a token is encrypted manually, if no library would write its header. */
export interface Seal {
  readonly header: Readonly<Record<string, unknown>> | string
  readonly plaintext: string | Uint8Array
}

/** Encrypts to an RSA key with RSA-OAEP-256 and A256GCM, whatever the header says. */
export function sealRsa(publicKey: KeyObject, { header, plaintext }: Seal): string {
  const cek = randomBytes(32)
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const encryptedKey = publicEncrypt({ key: publicKey, ...padding }, cek)
  return assemble({ header, plaintext }, { cek, encryptedKey })
}

/** The sender's half of a key agreement on P-256. */
export function ephemeralKey(): {
  readonly pair: ECDH
  readonly epk: Readonly<Record<string, string>>
  readonly d: string
} {
  const pair = createECDH('prime256v1')
  const point = pair.generateKeys()
  const epk = { kty: 'EC', crv: 'P-256', x: encode(point.subarray(1, 33)), y: encode(point.subarray(33)) }
  return { pair, epk, d: encode(pair.getPrivateKey()) }
}

/** Encrypts to a point on P-256 with ECDH-ES and A256GCM, whatever else the header says. */
export function sealAgreed(pair: ECDH, recipient: { readonly x?: string; readonly y?: string }, seal: Seal): string {
  const point = Buffer.concat([
    Buffer.of(4),
    Buffer.from(recipient.x ?? '', 'base64url'),
    Buffer.from(recipient.y ?? '', 'base64url'),
  ])
  const { apu, apv } = seal.header as { readonly apu?: unknown; readonly apv?: unknown }
  const parties = [
    Buffer.from('A256GCM'),
    ...[apu, apv].map((party) => Buffer.from(typeof party === 'string' ? party : '', 'base64url')),
  ]
  const fields = parties.flatMap((party) => [uint32(party.length), party])
  const secret = pair.computeSecret(point)
  const cek = createHash('sha256')
    .update(Buffer.concat([uint32(1), secret, ...fields, uint32(256)]))
    .digest()
  return assemble(seal, { cek, encryptedKey: Buffer.alloc(0) })
}

function assemble(
  { header, plaintext }: Seal,
  { cek, encryptedKey }: { readonly cek: Buffer; readonly encryptedKey: Buffer },
): string {
  const iv = randomBytes(12)
  const protectedPart = encode(header)
  const cipher = createCipheriv('aes-256-gcm', cek, iv).setAAD(Buffer.from(protectedPart))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return [protectedPart, ...[encryptedKey, iv, ciphertext, cipher.getAuthTag()].map((part) => encode(part))].join('.')
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
