import { LongDecimal, type Value } from '../ports/json.ts'

/** Deeper than this, a value is written without recursion: an API may nest deeper than a call stack reaches. */
const MAX_DEPTH = 500

/** A value as JSON text, with long numbers as the digits that they were sent with (R4). */
export function encodeJson(value: Value): string {
  return isPlain(value) ? JSON.stringify(value) : write(value)
}

/** Whether `JSON.stringify` can write the value: it holds no long number, and is at most 500 levels deep. */
export function isPlain(value: Value | undefined, depth = 0): boolean {
  if (typeof value === 'bigint') return false
  if (typeof value !== 'object' || value === null) return true
  if (depth > MAX_DEPTH || value instanceof LongDecimal) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlain(item, depth + 1)) return false
    return true
  }
  for (const field in value) if (!isPlain(value[field], depth + 1)) return false
  return true
}

type Step = { readonly text: string } | { readonly value: Value }

function write(whole: Value): string {
  const steps: Step[] = [{ value: whole }]
  let text = ''
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if ('text' in step) text += step.text
    else if (typeof step.value !== 'object' || step.value === null) text += writeScalar(step.value)
    else if (step.value instanceof LongDecimal) text += step.value.text
    else steps.push(...stepsOf(step.value).reverse())
  }
  return text
}

function writeScalar(value: null | boolean | number | string | bigint): string {
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

function stepsOf(value: Value[] | { [key: string]: Value }): Step[] {
  const steps: Step[] = []
  if (Array.isArray(value)) {
    for (const item of value) steps.push({ text: steps.length === 0 ? '[' : ',' }, { value: item ?? null })
    steps.push({ text: steps.length === 0 ? '[]' : ']' })
    return steps
  }
  for (const [field, member] of Object.entries(value)) {
    if (member === undefined) continue
    const lead = steps.length === 0 ? '{' : ','
    steps.push({ text: `${lead}${JSON.stringify(field)}:` }, { value: member })
  }
  steps.push({ text: steps.length === 0 ? '{}' : '}' })
  return steps
}
