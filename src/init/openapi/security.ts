// Security schemes as a source's `auth`. Only names of variables are written.
import type { AuthDraft } from '../auth-flag.ts'
import type { OptionDraft } from '../draft.ts'
import { variableName } from '../names.ts'
import { type ApiDocument, isNode, listOf, type Node, textOf } from './document.ts'

/** The scheme that is used, and its `auth`; none where the document names none that is known. */
export function deriveAuth(
  document: ApiDocument,
  source: string,
  base: string | undefined,
): OptionDraft | undefined {
  const { root, resolve } = document
  const components = resolve(root['components'])
  const schemes = resolve(components?.['securitySchemes']) ?? resolve(root['securityDefinitions'])
  if (schemes === undefined) return undefined
  const wanted = requiredSchemes(root)
  const names = [
    ...wanted.filter((name) => Object.hasOwn(schemes, name)),
    ...Object.keys(schemes).filter((name) => !wanted.includes(name)),
  ]
  const unknown: string[] = []
  const found: {
    readonly name: string
    readonly auth: AuthDraft
    readonly rank: number
    readonly says: string[]
  }[] = []
  for (const name of names) {
    const scheme = resolve(schemes[name])
    if (scheme === undefined) continue
    const says: string[] = []
    const auth = authOf(scheme, source, base, says)
    if (auth === undefined) unknown.push(`${name} (${String(scheme['type'])})`)
    else found.push({ name, auth, says, rank: wanted.includes(name) ? wanted.indexOf(name) : 1000 })
  }
  const best = found.toSorted((a, b) => a.rank - b.rank || ease(a.auth) - ease(b.auth))[0]
  if (best === undefined) return undefined
  const others = [...found.filter((each) => each !== best).map(({ name }) => name), ...unknown]
  return {
    name: 'auth',
    value: best.auth,
    notes: [
      `auth: the security scheme ${best.name}${others.length > 0 ? `; the document also has ${others.join(', ')}` : ''}. Set ${variablesOf(best.auth).join(' and ')} before a run`,
      ...best.says,
    ],
  }
}

function requiredSchemes(root: Node): readonly string[] {
  const namesOf = (security: unknown) =>
    listOf(security).flatMap((each) => (isNode(each) ? Object.keys(each) : []))
  const own = namesOf(root['security'])
  if (own.length > 0) return [...new Set(own)]
  // None for all: those of the operations, as often as they are named.
  const counts = new Map<string, number>()
  for (const path of Object.values(isNode(root['paths']) ? root['paths'] : {}))
    for (const operation of Object.values(isNode(path) ? path : {}))
      if (isNode(operation))
        for (const name of namesOf(operation['security'])) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1]).map(([name]) => name)
}

/** What needs the least to begin with. */
function ease({ type, grant }: AuthDraft): number {
  return type === 'oauth2' ? (grant === 'client_credentials' ? 2 : 3) : 1
}

function variablesOf(auth: AuthDraft): readonly string[] {
  return Object.values(auth).flatMap((value) => /^\$\{env:(\w+)\}$/.exec(String(value))?.[1] ?? [])
}

function authOf(
  scheme: Node,
  source: string,
  base: string | undefined,
  says: string[],
): AuthDraft | undefined {
  const variable = (what: string) => `\${env:${variableName(source, what)}}`
  const type = textOf(scheme['type'])
  const kind = textOf(scheme['scheme'])?.toLowerCase()
  if (type === 'basic' || (type === 'http' && kind === 'basic'))
    return { type: 'basic', username: variable('username'), password: variable('password') }
  if (type === 'http' && kind === 'bearer') return { type: 'bearer', token: variable('token') }
  if (type === 'apiKey') {
    const place = textOf(scheme['in']) ?? 'header'
    const name = textOf(scheme['name'])
    if (name === undefined || !['header', 'query', 'cookie'].includes(place)) return undefined
    if (name.toLowerCase() === 'authorization')
      says.push(
        'CHECK auth: the key goes into Authorization; if the API wants a word before it, say it in `prefix`, as in "Token "',
      )
    return { type: 'api_key', ...(place !== 'header' && { in: place }), name, key: variable('api_key') }
  }
  if (type !== 'oauth2') return undefined
  const flows = isNode(scheme['flows'])
    ? scheme['flows']
    : { [swaggerFlows[String(scheme['flow'])] ?? '']: scheme }
  const client = { clientId: variable('client_id'), clientSecret: variable('client_secret') }
  const byClient = flows['clientCredentials']
  const byCode = flows['authorizationCode']
  const flow = isNode(byClient) ? byClient : isNode(byCode) ? byCode : undefined
  const tokenUrl = safeUrl(flow?.['tokenUrl'], base)
  if (flow === undefined || tokenUrl === undefined) return undefined
  const scopes = isNode(flow['scopes']) ? Object.keys(flow['scopes']) : []
  if (scopes.length > 0)
    says.push(
      `scopes that it knows, to choose from in \`scope\`: ${scopes.slice(0, 12).join(' ')}${scopes.length > 12 ? ' …' : ''}`,
    )
  if (flow === byClient) return { type: 'oauth2', grant: 'client_credentials', tokenUrl, ...client }
  const authorizationUrl = safeUrl(flow['authorizationUrl'], base)
  if (authorizationUrl === undefined) return undefined
  says.push(`log in once with \`sluice auth login ${source}\``)
  return { type: 'oauth2', grant: 'authorization_code', authorizationUrl, tokenUrl, ...client }
}

const swaggerFlows: Readonly<Record<string, string>> = {
  application: 'clientCredentials',
  accessCode: 'authorizationCode',
}

/** An address that a credential may be sent to. */
function safeUrl(value: unknown, base: string | undefined): string | undefined {
  const text = textOf(value)
  if (text === undefined || !URL.canParse(text, base)) return undefined
  const url = new URL(text, base)
  return url.protocol === 'https:' || /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname)
    ? url.href
    : undefined
}
