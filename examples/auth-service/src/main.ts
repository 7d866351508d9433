import { DEMO_USERS } from './demo-users.ts'
import { optionsFromEnvironment } from './environment.ts'
import { startAuthService } from './start-auth-service.ts'

const service = await startAuthService({ ...optionsFromEnvironment(process.env), users: DEMO_USERS })
console.log(`auth-service listens on ${service.url} and issues as ${service.issuer.issuer}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void service.close()
  })
}
