import express5 from 'express'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { startExpress } from '../support/contract/express-adapter.ts'
import { startFastify } from '../support/contract/fastify-adapter.ts'
import { startFetch } from '../support/contract/fetch-adapter.ts'
import { startHono } from '../support/contract/hono-adapter.ts'
import { rows, testContract, testContractWithHandlers } from '../support/contract/suite.ts'

// Express 4 has no types; the parts used here are the same as in Express 5.
const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

testContract('Express 4', startExpress(express4, 'in the options'))
testContract('Express 5', startExpress(express5, 'in the options'))
testContract('Fastify 5', startFastify)
testContract('fetch', startFetch)
testContract('Hono', startHono('in the options'))
testContractWithHandlers('Express 5', startExpress(express5, 'in a route handler'))
testContractWithHandlers('Hono', startHono('in a route handler'))

describe('the adapter contract', () => {
  it('has unique row names', () => {
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length)
  })

  it('runs on the stated Express versions', () => {
    const versions = [express4, express5].map((framework) => 'lazyrouter' in framework.application)
    expect(versions).toEqual([true, false])
  })
})
