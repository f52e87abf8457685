// oidc-provider ships no types: here is the part of it that the test server uses.
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Token {
    readonly clientId: string
    readonly exp: number
    save(): Promise<string>
  }
  interface TokenModel {
    new (properties: Readonly<Record<string, unknown>>): Token
    find(value: string): Promise<Token | undefined>
  }
  interface Grant {
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }

  export default class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>)
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    readonly AccessToken: TokenModel
    readonly ClientCredentials: TokenModel
    readonly RefreshToken: TokenModel
    readonly Grant: new (properties: {
      accountId: string
      clientId: string
    }) => Grant
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{
      readonly prompt: { readonly name: string }
      readonly params: Readonly<Record<string, string>>
      readonly session?: { readonly accountId: string }
    }>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options?: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>
    readonly Client: { find(id: string): Promise<object | undefined> }
  }
}
