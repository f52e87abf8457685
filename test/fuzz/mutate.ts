// Things done to a config that is valid.
import type { Chance } from './chance.ts'
import { mutateText, oddText } from './texts.ts'
import { anyJson, nested } from './values.ts'

interface Place {
  readonly holder: Record<PropertyKey, unknown>
  readonly key: string
}

/** Changes the value in place, at one place of it. Gives what was done. */
export function mutate(value: object, chance: Chance): string {
  const places = placesOf(value)
  if (places.length === 0) return 'nothing'
  const { holder, key } = chance.oneOf(places)
  const current = holder[key]
  const set = (other: unknown) => {
    Object.defineProperty(holder, key, { value: other, enumerable: true, writable: true, configurable: true })
  }
  const at = `at ${JSON.stringify(key)}`
  switch (chance.between(0, 12)) {
    case 0:
      set(anyJson(chance))
      return `any JSON ${at}`
    case 1:
      set(oddText(chance))
      return `an odd text ${at}`
    case 2:
      set(
        chance.oneOf([
          Number.NaN,
          Number.POSITIVE_INFINITY,
          -1,
          1e300,
          2 ** 53,
          0.5,
          -0,
          10n ** 30n,
          undefined,
          null,
        ]),
      )
      return `an odd number ${at}`
    case 3:
      set(nested(chance.oneOf([3, 50, 5000]), current, chance.happens(0.5)))
      return `nesting ${at}`
    case 4:
      set(value)
      return `the whole config ${at}`
    case 5:
      delete holder[key]
      return `nothing ${at}`
    case 6:
      // A list's length is no place for a value.
      Object.defineProperty(holder, `${Array.isArray(holder) ? 'x' : ''}${oddText(chance)}`, {
        value: current,
        enumerable: true,
        writable: true,
        configurable: true,
      })
      return `an odd name beside ${at}`
    case 7:
      set(typeof current === 'string' ? mutateText(chance, current) : [current])
      return `a changed text ${at}`
    case 8:
      set(Object.create(chance.oneOf([null, { type: 'none' }, Array.prototype])))
      return `an object of another kind ${at}`
    case 9:
      set(
        chance.oneOf([() => 1, Symbol('x'), new Date(0), new Map(), /x/, new Uint8Array(3), new Error('x')]),
      )
      return `no JSON ${at}`
    case 10:
      set(shared(chance.between(5, 13)))
      return `the same object many times ${at}`
    case 11: {
      const other = chance.oneOf(places)
      set(other.holder[other.key])
      return `the value of ${JSON.stringify(other.key)} ${at}`
    }
    default:
      set(chance.list(0, chance.oneOf([3, 1000]), () => current))
      return `a list of it ${at}`
  }
}

/** 2 to the power of `levels` objects for whoever walks it as a tree. */
function shared(levels: number): unknown {
  let value: unknown = 'x'
  for (let level = 0; level < levels; level++) value = { a: value, b: value }
  return value
}

function placesOf(value: object): Place[] {
  const places: Place[] = []
  const seen = new Set<object>()
  const open: object[] = [value]
  for (let next = open.pop(); next !== undefined && places.length < 500; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    for (const key of Object.keys(next)) {
      const holder = next as Record<PropertyKey, unknown>
      places.push({ holder, key })
      const inner = holder[key]
      // What is no JSON, a list of bytes for one, is not looked into.
      if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner)) open.push(inner)
    }
  }
  return places
}
