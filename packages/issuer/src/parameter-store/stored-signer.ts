import { pemSigner } from '../signer/pem-signer.ts'
import type { Signer } from '../signer/signer.ts'
import { ParameterStoreError } from './parameter-store-error.ts'
import type { ResolvedParameterStoreOptions } from './parameter-store-options.ts'
import { quote } from '../quote.ts'

/**
 * A signer from what the parameter holds. Its `kid` is the RFC 7638 thumbprint, so another key has another one.
 *
 * @throws ParameterStoreError `parameter_unfit` where that is no private key for the algorithm, or the passphrase is not the
 * one it was encrypted with. It quotes neither of them.
 */
export const storedSigner = async (pem: string, options: ResolvedParameterStoreOptions): Promise<Signer> => {
  const { name, algorithm, passphrase } = options
  try {
    if (passphrase === undefined) return await pemSigner(pem, { algorithm })
    // Only here, since it needs Node.
    const { encryptedPemSigner } = await import('../node/encrypted-pem-signer.ts')
    return await encryptedPemSigner(pem, { algorithm, passphrase })
  } catch (cause) {
    const reason = cause instanceof TypeError ? cause.message.replace('Cannot use key: ', '') : 'it must be a key'
    const message = `Cannot use key of parameter ${quote(name)}: ${reason}`
    throw new ParameterStoreError('parameter_unfit', message, cause)
  }
}
