// Sends requests over kept connections, several ahead on each if asked, from a separate process that is controlled by messages.
import { connect } from 'node:net'

import { quantile } from '../measure/statistics.mjs'
import { answerMessages } from '../processes/answer-messages.mjs'

const pools = new Map()
answerMessages({
  open: async ({ name, port, tokens, connections, ahead }) => {
    const requests = tokens.map((token) =>
      Buffer.from(`GET /me HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\n\r\n`),
    )
    const rotation = { requests, next: 0 }
    const pool = []
    while (pool.length < connections) pool.push(await openConnection(port, rotation, ahead))
    pools.set(name, pool)
  },
  run: async ({ name, milliseconds }) => sendUntil(name, performance.now() + milliseconds),
  // At least this many, for servers that are too slow to be timed.
  send: async ({ name, requests }) => {
    let done = 0
    return sendWhile(pools.get(name), (count) => (done += count) < requests)
  },
  // Microseconds from a request to its answer, on connections with one request at a time.
  time: async ({ name, milliseconds }) => {
    const times = []
    for (const connection of pools.get(name)) connection.times = times
    await sendUntil(name, performance.now() + milliseconds)
    for (const connection of pools.get(name)) connection.times = undefined
    return { median: quantile(times, 0.5), p99: quantile(times, 0.99) }
  },
})

async function sendUntil(name, end) {
  return sendWhile(pools.get(name), () => performance.now() < end)
}

async function sendWhile(connections, goesOn) {
  const counts = await Promise.all(connections.map((connection) => connection.send(goesOn)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function openConnection(port, rotation, ahead) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.removeAllListeners('error')
  let turn
  const fail = (error) => turn?.reject(error ?? new Error('the server has closed a connection'))
  socket.on('error', fail).on('close', () => fail())
  const answers = answerCounter()
  socket.on('data', (chunk) => {
    try {
      turn.received(answers(chunk))
    } catch (error) {
      fail(error)
    }
  })

  const connection = { times: undefined, send: undefined }
  let sentAt = 0
  const write = (count) => {
    sentAt = performance.now()
    const batch = []
    for (let index = 0; index < count; index += 1)
      batch.push(rotation.requests[rotation.next++ % rotation.requests.length])
    socket.write(count === 1 ? batch[0] : Buffer.concat(batch))
  }
  connection.send = (goesOn) =>
    new Promise((resolve, reject) => {
      let done = 0
      let outstanding = ahead
      const received = (count) => {
        if (count > 0) connection.times?.push((performance.now() - sentAt) * 1000)
        done += count
        outstanding -= count
        if (goesOn(count)) {
          outstanding += count
          if (count > 0) write(count)
        } else if (outstanding === 0) resolve(done)
      }
      turn = { received, reject }
      write(ahead)
    })
  return connection
}

/** Counts complete answers in the received bytes. All have the length of the first, and every one must be a 200. */
function answerCounter() {
  let length = 0
  let rest = Buffer.alloc(0)
  return (chunk) => {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    length ||= lengthOf(text)
    const count = length === 0 ? 0 : Math.floor(text.length / length)
    for (let answer = 0; answer < count; answer += 1) {
      const start = text.latin1Slice(answer * length, answer * length + 12)
      if (start !== 'HTTP/1.1 200') throw new Error(`an answer begins with ${start}`)
    }
    rest = text.subarray(count * length)
    return count
  }
}

function lengthOf(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const [, body] = /content-length: (\d+)/i.exec(text.latin1Slice(0, end)) ?? []
  if (body === undefined) throw new Error(`an answer has no length: ${text.latin1Slice(0, end)}`)
  return end + 4 + Number(body)
}
