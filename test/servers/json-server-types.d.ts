// json-server ships no types: here is the part of it that the tests use.
declare module 'json-server' {
  import type { RequestListener } from 'node:http'

  type Middleware = (request: { readonly url: string }, response: unknown, next: () => void) => void
  interface Router {
    readonly db: { getState(): { readonly posts: Record<string, unknown>[] } }
  }
  const jsonServer: {
    create(): RequestListener & { use(handler: Middleware | Router): void }
    router(data: { readonly posts: readonly Record<string, unknown>[] }): Router
  }
  export default jsonServer
}
