/** Keeps a promise that nobody waits for from ending the program when it is rejected. Anything else is left alone. */
export function ignoreRejection(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('then' in value)) return
  Promise.resolve(value).catch(() => {})
}
