import { expect, test } from 'vitest'
import type { Answer } from '../../http/answer.ts'
import { HttpStatusError } from '../../http/errors.ts'
import type { Value } from '../../ports/json.ts'
import { refuseGraphqlErrors } from './refuse-graphql-errors.ts'

const answer = (body: Value): Answer => ({
  method: 'POST',
  url: 'https://api.test/graphql',
  status: 200,
  headers: {},
  body,
  text: () => JSON.stringify(body),
})
const error = { message: 'the field is gone' }
const partial = answer({ data: { items: [{ id: 1 }] }, errors: [error] })

test('R2: data beside errors is refused, and the message says how to keep it', () => {
  expect(() => refuseGraphqlErrors(partial, 'fail', 0)).toThrow(/the field is gone.*graphql\.partial: keep/)
})

test('data beside errors is kept where the config says so; errors without data are not', () => {
  expect(() => refuseGraphqlErrors(partial, 'keep', 0)).not.toThrow()
  expect(() => refuseGraphqlErrors(answer({ data: null, errors: [error] }), 'keep', 0)).toThrow(
    'the field is gone',
  )
})

test('a limit under status 200 is waited for, whatever is kept', () => {
  const throttled = answer({ errors: [{ message: 'slow down', extensions: { code: 'THROTTLED' } }] })
  expect(() => refuseGraphqlErrors(throttled, 'keep', 0)).toThrow(HttpStatusError)
})
