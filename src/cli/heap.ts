import { setFlagsFromString } from 'node:v8'

/**
 * Lets the heap grow by 30 % of what is alive between two full collections. V8 chooses up to 300 % by the size of the
 * machine, which suits a program that owns it; a run's records live as long as a batch, and the rest would be their garbage.
 * To be called before the heap has grown.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=30')
}
