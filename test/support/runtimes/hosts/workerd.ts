// Serves the driver as a module worker.
import { respond } from '../driver.ts'

// oxlint-disable-next-line import/no-default-export -- workerd requires it
export default { fetch: (request: Request): Promise<Response> => respond(request) }
