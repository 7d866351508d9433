import { AuthError } from '@claimgate/core'

/** `verified`, or status and code of the refusal. Rethrows anything but an `AuthError`. */
export async function verdict(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'verified'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}
