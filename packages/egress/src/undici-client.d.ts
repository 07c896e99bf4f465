/** The client alone: the package as a whole brings fetch, caches and proxies, and takes twice the memory of a cell. */
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici';
  export default Client;
}
