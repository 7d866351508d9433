/** Closes everything when the process receives a stop signal, so that it exits. */
export const untilStopped = (...open: readonly { close(): Promise<void> }[]): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const each of open) void each.close()
    })
  }
}
