// `npm run quotas`: the scenarios of quotas, without a build step.
import { createJiti } from 'jiti'

await createJiti(import.meta.url).import('../test/quotas/cli.ts')
