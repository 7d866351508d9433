/** Closes what is open when the process is told to stop; then nothing keeps it alive. */
export const untilStopped = (...open: readonly { close(): Promise<void> }[]): void => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const each of open) void each.close()
    })
  }
}
