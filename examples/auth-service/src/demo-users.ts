import type { NewUser } from './user-store.ts'

/** The users of the demo. Their passwords are public: never use them in a real service. */
export const DEMO_USERS: readonly NewUser[] = [
  { userName: 'ada', password: 'correct horse battery staple', role: 'writer' },
  { userName: 'bob', password: 'tr0ub4dor and three', role: 'reader' },
]
