export { startAuthorizationServer } from './authorization-server.ts'
export { connectNotesClient, type NotesClient } from './notes-client.ts'
export { type NotesServer, startNotesServer } from './notes-server.ts'
