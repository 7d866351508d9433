import type { NewUser } from './user-store.ts'

/** The people of the demo, with passwords that are no secret. Never seed a real service with them. */
export const DEMO_USERS: readonly NewUser[] = [
  { userName: 'ada', password: 'correct horse battery staple', role: 'writer' },
  { userName: 'bob', password: 'tr0ub4dor and three', role: 'reader' },
]
