// lru-cache names this type of Node in its declarations; this package is compiled without Node's types on purpose.
declare namespace NodeJS {
  interface Timeout {}
}
