// Values that are not to be stored as they are.
import { createHash, createHmac } from 'node:crypto'
import { isObject, type JsonRecord, type Value } from '../../ports/json.ts'
import { encodeJson } from '../../records/encode-json.ts'
import { fieldChanger } from './fields.ts'

type Step = (record: JsonRecord) => JsonRecord

/** SHA-256 of the value's text, in hex; an HMAC (RFC 2104) where there is a key. Null stays null: that there is no value is no secret. */
export function hasher(fields: readonly string[], key: (() => string) | undefined): Step {
  const digest = (text: string) =>
    (key === undefined ? createHash('sha256') : createHmac('sha256', key())).update(text).digest('hex')
  return onFields(fields, (value) => (value === null ? null : digest(textOf(value))))
}

/** `***`, and the last characters of the value's text, of which never more than half are shown. */
export function masker(fields: readonly string[], show: number): Step {
  return onFields(fields, (value) => {
    if (value === null) return null
    const characters = [...textOf(value)]
    const shown = Math.min(show, Math.floor(characters.length / 2))
    return `***${characters.slice(characters.length - shown).join('')}`
  })
}

function onFields(fields: readonly string[], conceal: (value: Value) => Value): Step {
  const changers = fields.map((field) => fieldChanger(field, conceal))
  return (record) => changers.reduce((changed, change) => change(changed), record)
}

/** A text is itself: hashing it gives what other tools give. */
function textOf(value: Value): string {
  if (typeof value === 'string') return value
  return isObject(value) || Array.isArray(value) ? encodeJson(value) : String(value)
}
