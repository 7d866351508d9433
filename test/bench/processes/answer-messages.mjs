/**
 * Makes this process execute commands that its parent sends, until the parent exits.
 *
 * @param {Readonly<Record<string, (rest: any) => unknown>>} commands
 */
export function answerMessages(commands) {
  const answer = async ({ id, command, ...rest }) => {
    try {
      process.send({ id, result: await commands[command](rest) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  }
  process.on('message', (message) => void answer(message))
  process.on('disconnect', () => process.exit())
}
