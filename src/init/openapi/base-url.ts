// The address of an API, as its document names servers.
import { type ApiDocument, isNode, listOf, textOf } from './document.ts'

export interface BaseUrl {
  readonly url?: string
  /** Without a `url`: the path that goes behind the address. */
  readonly below?: string
  readonly note?: string
}

/** The first server, with the defaults of its variables; `address` is the document's own. */
export function baseUrlOf(document: ApiDocument, address: string | undefined): BaseUrl {
  const { root } = document
  if (root['swagger'] !== undefined) {
    const host = textOf(root['host']) ?? (address === undefined ? undefined : new URL(address).host)
    if (host === undefined) return {}
    const schemes = listOf(root['schemes'])
    const scheme =
      schemes.includes('https') || schemes.length === 0
        ? schemes.length === 0 && address !== undefined
          ? new URL(address).protocol.slice(0, -1)
          : 'https'
        : String(schemes[0])
    return checked(`${scheme}://${host}${textOf(root['basePath']) ?? ''}`)
  }
  const servers = listOf(root['servers'])
  const server = document.resolve(servers[0])
  const template = textOf(server?.['url']) ?? '/'
  const variables = isNode(server?.['variables']) ? server['variables'] : {}
  const filled = template.replace(/\{([^}]+)\}/g, (whole, name: string) => {
    const variable = variables[name]
    return isNode(variable) ? (textOf(variable['default']) ?? whole) : whole
  })
  const note =
    template !== filled
      ? `CHECK baseUrl: ${template} with its defaults; put your own in`
      : servers.length > 1
        ? `the first of ${servers.length} servers`
        : undefined
  if (!URL.canParse(filled, address)) {
    const below = filled.replace(/\/+$/, '')
    return below.startsWith('/') && !/[{}$]/.test(below) ? { below } : {}
  }
  return { ...checked(new URL(filled, address).href), ...(note !== undefined && { note }) }
}

function checked(text: string): { readonly url?: string } {
  if (!URL.canParse(text) || !/^https?:/.test(text) || /%7B|[{}]/i.test(text)) return {}
  const url = new URL(text)
  return { url: (url.origin + url.pathname).replace(/\/$/, '') }
}
