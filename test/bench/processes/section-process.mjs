// Runs one section, so that what the engine has learnt from one does not speed up or slow down another.
import { answerMessages } from './answer-messages.mjs'
import { SECTIONS } from '../sections.mjs'

answerMessages({
  run: async ({ section, pace }) => (await SECTIONS[section].load())(pace),
})
