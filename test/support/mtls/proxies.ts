import type { CertificateFormat } from '@claimgate/core/mtls'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { freePort } from '../docs/free-port.ts'

/** A proxy that ends TLS, and how it is told to send the client certificate in the field `X-Client-Cert`. */
export interface Proxy {
  readonly program: string
  readonly format: CertificateFormat
  /** The name of its configuration file, and the text of it. */
  readonly file: string
  configure(place: Place): string
  arguments(file: string): readonly string[]
}

/** What a configuration needs. The folder has server.pem, with the key, and clients.pem. */
export interface Place {
  readonly folder: string
  readonly port: number
  /** The port of the application. */
  readonly upstream: number
  /** The folder of the program. */
  readonly bin: string
}

export const PROXIES: readonly Proxy[] = [
  {
    program: 'nginx',
    format: 'nginx',
    file: 'nginx.conf',
    configure: ({ folder, port, upstream }) => `
      daemon off; master_process off; pid ${folder}/pid; error_log stderr;
      events {}
      http {
        access_log off;
        ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
        server {
          listen 127.0.0.1:${port} ssl;
          ssl_certificate ${folder}/server.pem; ssl_certificate_key ${folder}/server.pem;
          ssl_verify_client optional_no_ca;
          location / {
            proxy_pass http://127.0.0.1:${upstream};
            proxy_set_header X-Client-Cert $ssl_client_escaped_cert;
          }
        }
      }`,
    arguments: (file) => ['-c', file, '-e', 'stderr'],
  },
  haproxy('haproxy', '%[ssl_c_der,base64]'),
  haproxy('rfc9440', ':%[ssl_c_der,base64]:'),
  {
    program: 'caddy',
    format: 'caddy',
    file: 'Caddyfile',
    configure: ({ folder, port, upstream }) => `
      {
        admin off
        auto_https off
        storage file_system ${folder}/caddy
      }
      https://localhost:${port} {
        bind 127.0.0.1
        tls ${folder}/server.pem ${folder}/server.pem {
          client_auth {
            mode request
          }
        }
        reverse_proxy 127.0.0.1:${upstream} {
          header_up X-Client-Cert {http.request.tls.client.certificate_der_base64}
        }
      }`,
    arguments: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
  },
  {
    program: 'apache2',
    format: 'apache',
    file: 'apache.conf',
    configure: ({ folder, port, upstream, bin }) => `
      ServerRoot ${folder}
      ServerName localhost
      PidFile ${folder}/pid
      ErrorLog ${folder}/error.log
      Listen 127.0.0.1:${port}
      ${['mpm_event', 'authz_core', 'ssl', 'headers', 'proxy', 'proxy_http', 'socache_shmcb']
        .map((name) => `LoadModule ${name}_module ${join(bin, '../lib/apache2/modules', `mod_${name}.so`)}`)
        .join('\n')}
      SSLEngine on
      SSLCertificateFile ${folder}/server.pem
      SSLVerifyClient optional_no_ca
      RequestHeader set X-Client-Cert "%{SSL_CLIENT_CERT}s"
      ProxyPass / http://127.0.0.1:${upstream}/`,
    arguments: (file) => ['-X', '-f', file],
  },
]

function haproxy(format: CertificateFormat, value: string): Proxy {
  return {
    program: 'haproxy',
    format,
    file: 'haproxy.cfg',
    configure: ({ folder, port, upstream }) => `
      defaults
        mode http
        timeout connect 5s
        timeout client 5s
        timeout server 5s
      frontend tls
        bind 127.0.0.1:${port} ssl crt ${folder}/server.pem ca-file ${folder}/clients.pem verify optional
        http-request set-header X-Client-Cert ${value}
        default_backend api
      backend api
        server api 127.0.0.1:${upstream}
`,
    arguments: (file) => ['-db', '-q', '-f', file],
  }
}

/** The path of a program, if it is installed. */
export function installed(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Starts a proxy before an application, and waits until it listens. */
export async function startProxy(
  proxy: Proxy,
  path: string,
  upstream: number,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'claimgate-proxy-'))
  const port = await freePort()
  const file = join(folder, proxy.file)
  const configuration = proxy.configure({ folder, port, upstream, bin: dirname(path) })
  for (const [name, text] of Object.entries({ ...files, [proxy.file]: `${configuration}\n` }))
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  const child = spawn(path, proxy.arguments(file), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: folder },
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const closed = once(child, 'close')
  const close = async (): Promise<void> => {
    child.kill()
    await closed
    rmSync(folder, { recursive: true, force: true })
  }
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`${proxy.program} has ended: ${log}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { port, close }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
