import { writePath } from '../options/explain.ts'
import { isSecret, type SecretLookup, SecretMissingError } from '../options/secret.ts'
import type { Pipeline } from './pipeline.ts'

/**
 * Refuses a run whose sources would fail at their first request, or whose destination could not be opened, before anything is opened or asked.
 * @param given only the parts that are used: another destination may stand in for the pipeline's
 * @throws SecretMissingError that names every variable that is missing, and where
 */
export function requireSecrets(
  { sources, destination }: Pick<Pipeline, 'sources'> & Partial<Pick<Pipeline, 'destination'>>,
  lookup: SecretLookup,
): void {
  requireVariables({ ...(destination !== undefined && { destination }), sources }, lookup)
}

/**
 * Refuses sources whose addresses can't be told, and a destination that can't be opened, for what asks the sources nothing and so needs no credential.
 * @throws SecretMissingError that names every variable that is missing, and where
 */
export function requireAddresses({ sources, destination }: Pipeline, lookup: SecretLookup): void {
  const addresses = Object.entries(sources).map(([name, { baseUrl }]) => [name, { baseUrl }])
  requireVariables({ destination, sources: Object.fromEntries(addresses) }, lookup)
}

function requireVariables(parts: object, lookup: SecretLookup): void {
  const missing: { variable: string; empty: boolean; path: string }[] = []
  const visit = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value !== 'object' || value === null) return
    if (isSecret(value)) {
      for (const variable of value.variables) {
        const found = lookup(variable)
        if (found) continue
        if (missing.some((one) => one.variable === variable)) continue
        missing.push({ variable, empty: found === '', path: writePath(path) })
      }
      return
    }
    for (const [key, inner] of Object.entries(value))
      visit(inner, [...path, Array.isArray(value) ? Number(key) : key])
  }
  visit(parts, [])
  const [first, ...others] = missing
  if (first !== undefined) throw new SecretMissingError(first.variable, first.empty, first.path, others)
}
