// The proxies that an environment names, by the conventions that curl, Python and Go share: the variable of the address's scheme, in lower
// case before upper case, unless NO_PROXY lists the host. This machine itself is never asked by a proxy, as in Go.
import { BlockList, isIP } from 'node:net'
import type { HttpProxy } from '../ports/runtime.ts'
import { parseProxy } from './proxy.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for an address; `undefined` where it is asked directly.
 * @throws ConfigError that names the variable, where its value is no address of a proxy
 */
export function environmentProxy(environment: Environment): (url: URL) => HttpProxy | undefined {
  const known = new Map<string, HttpProxy | undefined>()
  const isExcepted = exceptions(variableOf(environment, 'no_proxy')?.value ?? '')
  return (url) => {
    if (isLoopback(url.hostname) || isExcepted(url)) return undefined
    const { protocol } = url
    if (!known.has(protocol)) {
      const found = variableOf(environment, protocol === 'https:' ? 'https_proxy' : 'http_proxy')
      known.set(protocol, found && parseProxy(withScheme(found.value), found.name))
    }
    return known.get(protocol)
  }
}

function variableOf(
  environment: Environment,
  lower: string,
): { readonly name: string; readonly value: string } | undefined {
  for (const name of [lower, lower.toUpperCase()]) {
    const value = environment[name]?.trim()
    // Set to nothing, the lower case one takes the other's effect away.
    if (value !== undefined) return value === '' ? undefined : { name, value }
  }
  return undefined
}

/** `proxy.example.com:3128` is written without a scheme as often as with one. */
function withScheme(text: string): string {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** Hosts, `.domains`, `*.domains`, each with a port where only that is meant; addresses and ranges of them (CIDR); `*` for all. */
function exceptions(list: string): (url: URL) => boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
  if (entries.includes('*')) return () => true
  const ranges = new BlockList()
  const hosts: { readonly name: string; readonly port: string | undefined }[] = []
  for (const entry of entries) {
    const [address = '', bits = ''] = entry.split('/')
    const family = isIP(address)
    if (family !== 0 && /^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)) {
      ranges.addSubnet(address, Number(bits), familyName(family))
      continue
    }
    const [, name = entry, port] = /^(.+?|\[.+\]):(\d+)$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
    hosts.push({ name: name.replace(/^\*?\./, '').replace(/^\[(.*)\]$/, '$1'), port })
  }
  return (url) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    const family = isIP(host)
    if (family !== 0 && ranges.check(host, familyName(family))) return true
    const at = url.port || (url.protocol === 'https:' ? '443' : '80')
    return hosts.some(
      ({ name, port }) =>
        (port === undefined || port === at) && (host === name || (family === 0 && host.endsWith(`.${name}`))),
    )
  }
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6'
}
