// A browser without a window: it follows redirects and keeps cookies.
import { request } from 'undici'

export interface Page {
  readonly url: string
  readonly status: number
  readonly text: string
}

/** Where a browser ends up that is sent to `url`. `through` may change each address on its way, as a bad neighbour might. */
export async function browse(url: string, through = (next: string) => next): Promise<Page> {
  const jars = new Map<string, Map<string, string>>()
  let next = url
  for (let hops = 0; hops < 20; hops++) {
    const { origin } = new URL(next)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await request(next, { headers: cookie === '' ? {} : { cookie } })
    for (const line of [reply.headers['set-cookie'] ?? []].flat()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const text = await reply.body.text()
    const { location } = reply.headers
    if (typeof location !== 'string') return { url: next, status: reply.statusCode, text }
    next = through(new URL(location, next).href)
  }
  throw new Error(`${url} redirects without end`)
}
