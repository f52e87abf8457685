import type { SecretLookup } from '../options/secret.ts'

/** Secrets from the environment of a real process: the default of the library's outermost functions. */
export const systemLookup: SecretLookup = (variable) => process.env[variable]
