import { constants, createECDH, createHash, type KeyObject, privateEncrypt, randomBytes, sign } from 'node:crypto'

/** A message to sign: raw, or already hashed. */
export interface KmsMessage {
  readonly bytes: Buffer
  readonly type: 'RAW' | 'DIGEST'
}

/**
 * Signs like KMS: ECDSA signatures in DER, PSS with a salt as long as the digest.
 *
 * Digests are signed with our own arithmetic, because Node's crypto always hashes its input.
 */
export const kmsSign = (privateKey: KeyObject, algorithm: string, { bytes, type }: KmsMessage): Buffer => {
  if (algorithm === 'ED25519_SHA_512') return sign(null, bytes, privateKey)
  const hash = hashOf(algorithm)
  if (algorithm.startsWith('ECDSA_')) {
    return type === 'RAW' ? sign(hash, bytes, privateKey) : signDigestWithCurve(privateKey, bytes)
  }
  const pss = algorithm.startsWith('RSASSA_PSS_')
  if (type === 'DIGEST') return pss ? signDigestWithPss(privateKey, bytes, hash) : signDigestWithRsa(privateKey, bytes)
  const padding = pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  return sign(hash, bytes, { key: privateKey, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
}

/** The hash of a signing algorithm, such as `sha256`. */
export const hashOf = (algorithm: string): string => `sha${algorithm.slice(-3)}`

// DigestInfo without the digest (RFC 8017 section 9.2, note 1), by the digest's length.
const DIGEST_INFO: Readonly<Record<number, string>> = {
  32: '3031300d060960864801650304020105000420',
  48: '3041300d060960864801650304020205000430',
  64: '3051300d060960864801650304020305000440',
}

const signDigestWithRsa = (key: KeyObject, digest: Buffer): Buffer => {
  const prefix = Buffer.from(DIGEST_INFO[digest.length] ?? '', 'hex')
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([prefix, digest]))
}

/** EMSA-PSS (RFC 8017 section 9.1.1) for a modulus whose length is a multiple of eight bits. */
const signDigestWithPss = (key: KeyObject, digest: Buffer, hash: string): Buffer => {
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  const salt = randomBytes(digest.length)
  const sealed = createHash(hash)
    .update(Buffer.concat([Buffer.alloc(8), digest, salt]))
    .digest()
  const block = Buffer.alloc(length - digest.length - 1)
  block.writeUInt8(1, block.length - salt.length - 1)
  salt.copy(block, block.length - salt.length)
  const mask = mgf1(sealed, block.length, hash)
  const masked = Buffer.from(block.map((byte, index) => byte ^ (mask[index] ?? 0)))
  masked.writeUInt8(masked.readUInt8(0) & 0x7f, 0)
  const encoded = Buffer.concat([masked, sealed, Buffer.from([0xbc])])
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)
}

const mgf1 = (seed: Buffer, length: number, hash: string): Buffer => {
  const blocks: Buffer[] = []
  for (let counter = 0; Buffer.concat(blocks).length < length; counter++) {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    blocks.push(createHash(hash).update(seed).update(count).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}

const ORDERS: Readonly<Record<string, bigint>> = {
  prime256v1: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  secp384r1: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  secp521r1:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  secp256k1: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
}

/** ECDSA over a digest (FIPS 186-5 section 6.4.1). For every curve, the digest is no longer than the order. */
const signDigestWithCurve = (key: KeyObject, digest: Buffer): Buffer => {
  const name = key.asymmetricKeyDetails?.namedCurve ?? ''
  const order = ORDERS[name] ?? 1n
  const secret = toNumber(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'))
  // An ECDH key pair is a random number and its point, which is the one-time nonce that a signature needs.
  const once = createECDH(name)
  const point = once.generateKeys()
  const number = toNumber(once.getPrivateKey())
  const r = toNumber(point.subarray(1, (point.length + 1) / 2)) % order
  const s = (inverse(number, order) * (toNumber(digest) + r * secret)) % order
  return sequence(integer(r), integer(s))
}

const toNumber = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)

/** The modular inverse by Fermat's little theorem, because the order is prime. */
const inverse = (value: bigint, order: bigint): bigint => {
  let result = 1n
  let base = value % order
  for (let exponent = order - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % order
    base = (base * base) % order
  }
  return result
}

const integer = (value: bigint): Buffer => {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return element(0x02, bytes.readUInt8(0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]))
}

const sequence = (...members: readonly Buffer[]): Buffer => element(0x30, Buffer.concat(members))

const element = (tag: number, content: Buffer): Buffer => {
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
