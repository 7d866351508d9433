/** The configuration of workerd for one module worker on a free port, which may reach this machine. */
export function workerdConfig(script: string): string {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ( name = "main", worker = .main ),
    ( name = "loopback", network = ( allow = ["private"] ) ),
  ],
  sockets = [ ( name = "http", address = "127.0.0.1:0", http = (), service = "main" ) ],
);

const main :Workerd.Worker = (
  modules = [ ( name = "worker", esModule = embed "${script}" ) ],
  compatibilityDate = "2026-11-01",
  globalOutbound = "loopback",
);
`
}
