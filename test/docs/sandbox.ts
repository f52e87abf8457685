// The sandbox that the pages speak of: what `sluice sandbox --port 8080` serves, in small.
import type { SandboxServerOptions } from '../../sandbox/server.ts'

/** Where the pages say that it listens. */
export const sandboxAddress = 'http://127.0.0.1:8080'

export const sandboxSize: SandboxServerOptions = { records: 2_000, seed: 1 }

/** The variables that the pages tell people to set. */
export const sandboxSecrets: Readonly<Record<string, string>> = {
  DESK_CLIENT_ID: 'sluice',
  DESK_CLIENT_SECRET: 'desk-sandbox-secret',
  PAY_KEY: 'sk_test_sluice',
  TRACK_USER: 'sluice.service',
  TRACK_SECRET: 'track-sandbox-secret',
}
