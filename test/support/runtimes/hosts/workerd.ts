// Serves the driver as a module worker.
import { respond } from '../driver.ts'

// oxlint-disable-next-line import/no-default-export -- what workerd asks for
export default { fetch: (request: Request): Promise<Response> => respond(request) }
