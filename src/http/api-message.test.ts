import { expect, test } from 'vitest'
import { apiMessage } from './api-message.ts'

test.for([
  ['{"error":"RecordNotFound","description":"Not found"}', 'Not found'],
  ['{"error":{"type":"invalid_request_error","message":"No such charge"}}', 'No such charge'],
  ['{"error":"invalid_grant","error_description":"The token is expired"}', 'The token is expired'],
  ['{"errors":[{"title":"Bad","detail":"limit is too large"}]}', 'limit is too large'],
  ['{"message":{"base":["too many"]},"errors":["first"]}', 'first'],
  ['{"type":"about:blank","title":"Gone"}', 'Gone'],
  ['["plain"]', 'plain'],
] as const)('%s says: %s', ([body, message]) => {
  expect(apiMessage(body)).toBe(message)
})

test('where no message is obvious, there is none', () => {
  for (const body of ['<html>', '{}', '{"code":7}', '{"message":""}', 'null', '{"message":"cut o'])
    expect(apiMessage(body)).toBeUndefined()
})
