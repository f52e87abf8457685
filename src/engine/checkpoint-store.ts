import type { Checkpoint, Destination } from '../ports/destination.ts'
import type { Json } from '../ports/json.ts'
import type { Runtime } from '../ports/runtime.ts'
import { ofSlices } from './starting-point.ts'

export interface CheckpointWrite {
  /** Default `all`. */
  readonly slice?: string
  /** Where reading goes on; any JSON. `null` where it was read to its end. */
  readonly position: Json
  /** The greatest value of which everything below was read. Default `null`: there is none. */
  readonly highWater?: Json
  /** The version that was read before, 0 where there was none (C2). */
  readonly fromVersion: number
}

/** Versioned checkpoints of a loop of one's own, in a destination. */
export interface CheckpointStore extends AsyncDisposable {
  /** The checkpoint of a slice, `all` by default; `undefined` where there is none. */
  read(stream: string, slice?: string): Promise<Checkpoint | undefined>
  /** The checkpoints of a stream, or of every stream. */
  list(stream?: string): Promise<readonly Checkpoint[]>
  /**
   * Writes a checkpoint and returns its new version.
   * @throws CheckpointConflictError where another writer has moved it since it was read (C2); nothing is written
   */
  write(stream: string, checkpoint: CheckpointWrite): Promise<number>
}

/**
 * Opens a destination's checkpoints alone, without tables, for a loop that keeps its records elsewhere. Where the records go into the
 * same destination, commit both with its session instead: then neither is stored without the other (C1).
 * @param name keeps these checkpoints apart from others in the destination: take one that no pipeline has
 * @throws whatever the destination throws when it can't be opened
 */
export async function openCheckpointStore(
  destination: Destination,
  name: string,
  { clock, random }: Pick<Runtime, 'clock' | 'random'>,
): Promise<CheckpointStore> {
  const session = await destination.open(name)
  const list = async (stream?: string) =>
    ofSlices(await session.readCheckpoints(stream)).filter(({ staged }) => !staged)
  return {
    list,
    read: async (stream, slice = 'all') => (await list(stream)).find((found) => found.slice === slice),
    async write(stream, { slice = 'all', position, highWater = null, fromVersion }) {
      const at = clock.now()
      const chance = Math.floor(random() * 2 ** 48).toString(16)
      const id = `${name}.${stream}.${slice}.${fromVersion + 1}-${chance}`
      await session.moveCheckpoints({
        id,
        at,
        stream,
        checkpoints: [{ slice, position, highWater, fromVersion }],
      })
      return fromVersion + 1
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
