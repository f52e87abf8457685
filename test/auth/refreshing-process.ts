// One of several processes that share a refresh token: signs one request after the other, forces a renewal after each, and prints the tokens.
// The test that starts it says how: server, client, refresh token, directory and number of rounds, as JSON in its one argument.
import { setTimeout } from 'node:timers/promises'
import { request } from 'undici'
import { fileTokenStore } from '../../src/auth/file-token-store.ts'
import { oauth2, oauth2Authenticator } from '../../src/auth/oauth2.ts'
import { oauth2Options } from '../../src/auth/oauth2-options.ts'
import type { HttpHeaders, Runtime } from '../../src/ports/runtime.ts'

const { directory, rounds, ...options } = JSON.parse(process.argv[2]!)
const runtime: Runtime = {
  clock: { now: () => Date.now(), sleep: (ms, signal) => setTimeout(ms, undefined, { signal }) },
  random: () => Math.random(),
  async transport({ url, method, headers, body }) {
    const reply = await request(url, { method: method as 'POST', headers, body: body ?? null })
    return {
      status: reply.statusCode,
      headers: reply.headers as HttpHeaders,
      body: reply.body,
      discard: () => reply.body.dump(),
    }
  },
}
const auth = oauth2Authenticator(oauth2Options.parse(oauth2(options)), {
  runtime,
  lookup: () => undefined,
  tokenStore: fileTokenStore(directory, runtime.clock),
  onEvent: () => {},
  onSecret: () => {},
  source: 'desk',
})
const used: (string | undefined)[] = []
for (let round = 0; round < rounds; round++) {
  const signed = await auth.sign({ method: 'GET', url: 'https://api.test/', headers: {} })
  used.push(signed.headers['authorization'])
  await auth.renew!(signed)
}
process.stdout.write(JSON.stringify(used))
