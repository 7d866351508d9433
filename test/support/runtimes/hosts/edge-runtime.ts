// Runs in Node and puts the bundle named on the command line into an edge-runtime machine.
import { readFile } from 'node:fs/promises'

import { EdgeRuntime, runServer } from 'edge-runtime'

const [bundle = ''] = process.argv.slice(2)
const runtime = new EdgeRuntime({ initialCode: await readFile(bundle, 'utf8') })
const { url } = await runServer({ runtime, port: 0, host: '127.0.0.1' })
process.stdout.write(`${JSON.stringify({ event: 'listen', port: Number(new URL(url).port) })}\n`)
