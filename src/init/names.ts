// Names of sources, streams and variables, made from what an API calls itself.

/** Letters, digits and `_`, no digit first: what sources and streams may be called. */
export function identifier(text: string, otherwise: string): string {
  const words = text
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[_0-9]+|_+$/g, '')
    .slice(0, 40)
    .replace(/_+$/, '')
  return words === '' ? otherwise : words
}

/** `https://api.acme.example.com` → `acme`: the label that is the service's own. */
export function sourceNameOf(host: string): string {
  if (/^[\d.:[\]]+$/.test(host) || host === 'localhost') return 'api'
  const labels = host.split('.').filter((label) => !/^(www|api|apis|rest|v\d+)$/i.test(label))
  return identifier(labels[0] ?? '', 'api')
}

/** Path segments that say nothing of what is listed. */
const generic = /^(v?\d[\d.]*|api|rest|list|search|query|all|export|index|json|csv|\.|)$/i

/** `/v1/orders/` → `orders`: the last segment that names something. */
export function streamNameOf(path: string): string {
  const segments = path
    .split('/')
    .map((segment) => decoded(segment).replace(/\.(json|jsonl|ndjson|csv|xml)$/i, ''))
    .filter((segment) => !/^\{.*\}$/.test(segment))
  const named = segments.filter((segment) => !generic.test(segment))
  return identifier(named.at(-1) ?? segments.findLast((segment) => /[a-z]/i.test(segment)) ?? '', 'records')
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** `acme`, `token` → `ACME_TOKEN`; a source that is just called `api` adds nothing to `api_key`. */
export function variableName(source: string, what: string): string {
  return (source === 'api' && /^api/i.test(what) ? what : `${source}_${what}`)
    .replace(/\W+/g, '_')
    .toUpperCase()
}

/** A name that is not taken yet. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  for (let n = 2; ; n++) if (!taken.has(`${name}_${n}`)) return `${name}_${n}`
}
