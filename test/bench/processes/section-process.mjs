// Runs one section, so that the engine's optimizations in one section do not affect another.
import { answerMessages } from './answer-messages.mjs'
import { SECTIONS } from '../sections.mjs'

answerMessages({
  run: async ({ section, pace }) => (await SECTIONS[section].load())(pace),
})
