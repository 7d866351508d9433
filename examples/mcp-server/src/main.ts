import { startNotesServer } from './notes-server.ts'

const { JWT_ISSUER: issuer = 'http://127.0.0.1:4081', MCP_URL: resource, PORT: port = '4080' } = process.env
const server = await startNotesServer({ issuer, port: Number(port), ...(resource !== undefined && { resource }) })
console.log(`mcp-server listens on ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
