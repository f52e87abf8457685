// `npm run simulate -- --seed 17`: the simulation without a build step.
import { createJiti } from 'jiti'

await createJiti(import.meta.url).import('../test/simulation/cli.ts')
