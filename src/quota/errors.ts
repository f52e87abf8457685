import { SluiceError } from '../errors.ts'

/** A request that costs more than its quota ever holds, or whose cost is no positive number. */
export class QuotaImpossibleError extends SluiceError {
  readonly code = 'QUOTA_IMPOSSIBLE'
  readonly recovery = 'fix-config'
  readonly quota: string
  readonly cost: number
  constructor(quota: string, cost: number, maxCost: number) {
    super(
      cost > 0
        ? `a request that costs ${cost} can never be sent within the quota of ${quota}, which holds ${maxCost} at most: lower the request's cost, or raise the quota's requests or burst`
        : `a request can't cost ${cost} of the quota of ${quota}: a cost is a number above 0`,
    )
    this.quota = quota
    this.cost = cost
  }
}
