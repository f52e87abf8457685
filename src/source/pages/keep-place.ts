import type { Paginator } from '../../pagination/paginator.ts'
import { compilePath } from '../../pagination/path.ts'
import type { EventSink } from '../../ports/events.ts'
import type { Json } from '../../ports/json.ts'
import type { Clock } from '../../ports/runtime.ts'
import type { CursorOrdering } from '../incremental/cursor-field.ts'
import { idOrdering } from '../incremental/id-ordering.ts'
import { timeCodec } from '../incremental/time-codec.ts'
import { timeOrdering } from '../incremental/time-ordering.ts'
import type { StreamSettings } from '../rest-options.ts'
import { identityBy, type RecordCursor } from './known-records.ts'
import { ListPlace } from './list-place.ts'
import { overlaps } from './overlap-rules.ts'

/** Keeps the place in each list of a stream whose pages overlap, and tells where it has moved; `undefined` where they don't. */
export function placeKeeper(
  stream: string,
  settings: StreamSettings,
  { windows }: Paginator,
  clock: Clock,
  onEvent: EventSink | undefined,
): ((start: Json | undefined) => ListPlace) | undefined {
  const { incremental, key = [] } = settings
  if (windows === undefined || !overlaps(settings)) return undefined
  const identity = identityBy(key)
  const order = incremental !== undefined && 'order' in incremental ? incremental.order : 'none'
  const cursor = cursorOf(incremental)
  let told = false
  return (start) =>
    new ListPlace(windows, start, {
      identity,
      inOrder: order !== 'none',
      onShift: (shift) => onEvent?.({ type: 'list.shift', at: clock.now(), stream, ...shift }),
      cursor,
      onReorder() {
        if (told) return
        told = true
        onEvent?.({
          type: 'stream.warning',
          at: clock.now(),
          stream,
          message:
            'the order of the list is not stable: records that were read came again in another place, so that others may have moved to where nothing is read any more. Ask the API for an order that no change of a record touches, such as its id or its time of creation, as by `query: { sort: id }`',
        })
      },
    })
}

/** What changes moves to the end of a list that is sorted by the cursor, behind what is unread, and is read there. */
function cursorOf(incremental: StreamSettings['incremental']): RecordCursor | undefined {
  if (incremental === undefined || !('field' in incremental) || incremental.field === undefined)
    return undefined
  const ordering: CursorOrdering = incremental.by === 'id' ? idOrdering : timeOrdering(timeCodec(incremental))
  return {
    read: compilePath(incremental.field),
    hasRisen: (before, now) =>
      before !== undefined &&
      before !== null &&
      now !== undefined &&
      now !== null &&
      ordering.compare(now, before) > 0,
  }
}
