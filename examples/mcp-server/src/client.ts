import { connectNotesClient } from './notes-client.ts'

const [url = 'http://127.0.0.1:4080/mcp'] = process.argv.slice(2)
const client = await connectNotesClient(url, (line) => console.log(line))
console.log(`list_notes: ${await client.call('list_notes')}`)
console.log(`delete_notes: ${await client.call('delete_notes', { containing: 'milk' })}`)
console.log(`list_notes: ${await client.call('list_notes')}`)
await client.close()
