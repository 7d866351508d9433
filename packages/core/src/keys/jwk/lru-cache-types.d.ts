// lru-cache uses this Node type in its declarations, but this package is compiled without Node's types on purpose.
declare namespace NodeJS {
  interface Timeout {}
}
