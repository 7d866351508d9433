import type { Binding, RequestView, VerifiedToken } from '@claimgate/core'
import { AuthError } from '@claimgate/core'

/** A request with these header fields. */
export function viewOf(
  headers: Readonly<Record<string, readonly string[]>>,
  more: Partial<RequestView> = {},
): RequestView {
  return { method: 'GET', target: '/', header: (name) => headers[name] ?? [], ...more }
}

/** `confirmed`, the code of the refusal, or the error that was thrown. */
export async function outcomeOf(binding: Binding, thumbprint: unknown, view: RequestView): Promise<unknown> {
  try {
    await binding.confirm(thumbprint, {} as VerifiedToken, view, { scheme: 'Bearer', token: '' })
    return 'confirmed'
  } catch (error) {
    return error instanceof AuthError ? error.code : error
  }
}
