import { createApi } from './api.ts'
import { listen } from './listen.ts'
import { untilStopped } from './until-stopped.ts'

const api = await listen(createApi(process.env), Number(process.env['API_PORT'] ?? 4011))
console.log(`API            ${api.url}/api/v1/protected`)
untilStopped(api)
