import { expect, test } from 'vitest'
import { apiMessage, parseErrorBody } from './api-message.ts'

// The envelopes of SERVICES: each API's own error bodies, as they come over the wire.
test.for([
  ['Zendesk', '{"error":"RecordNotFound","description":"Not found"}', 'Not found (RecordNotFound)'],
  [
    'Zendesk, a title',
    '{"error":{"title":"Forbidden","message":"You do not have access to this page."}}',
    'You do not have access to this page. (Forbidden)',
  ],
  [
    'Zendesk, a list',
    '{"errors":[{"code":"InvalidPaginationDepth","title":"Invalid","detail":"Pagination depth is invalid"}]}',
    'Pagination depth is invalid (InvalidPaginationDepth)',
  ],
  ['Zendesk, bare', '{"error":"Couldn\'t authenticate you"}', "Couldn't authenticate you"],
  [
    'Zendesk, fields',
    '{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"Name: is too short","error":"TooShort"}]}}',
    'Record validation errors (RecordInvalid): name: Name: is too short',
  ],
  ['Mixpanel', '{"code":401,"error":"Invalid credentials","status":"Unauthorized"}', 'Invalid credentials'],
  [
    'Stripe',
    '{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such charge"}}',
    'No such charge (resource_missing)',
  ],
  [
    'GitHub',
    '{"message":"Validation Failed","errors":[{"resource":"Label","code":"invalid","field":"color"}],"status":"422"}',
    'Validation Failed (invalid): color: invalid',
  ],
  ['GitLab', '{"message":"404 Project Not Found"}', '404 Project Not Found'],
  ['GitLab, an object', '{"message":{"title":["can\'t be blank"]}}', "title: can't be blank"],
  [
    'OAuth (RFC 6749)',
    '{"error":"invalid_grant","error_description":"The token is expired"}',
    'The token is expired (invalid_grant)',
  ],
  [
    'X, problem details (RFC 9457)',
    '{"title":"Invalid Request","detail":"start_time must be before end_time","type":"https://api.x.com/2/problems/invalid-request"}',
    'start_time must be before end_time',
  ],
  ['X', '{"errors":[{"code":88,"message":"Rate limit exceeded"}]}', 'Rate limit exceeded (88)'],
  ['Slack', '{"ok":false,"error":"channel_not_found"}', 'channel_not_found'],
  [
    'Slack, a scope',
    '{"ok":false,"error":"missing_scope","needed":"channels:history","provided":"chat:write"}',
    'missing_scope: needed channels:history, provided chat:write',
  ],
  [
    'Discord',
    '{"code":50035,"message":"Invalid Form Body","errors":{"activities":{"0":{"platform":{"_errors":[{"code":"BASE_TYPE_CHOICES","message":"Value must be one of desktop"}]}}}}}',
    'Invalid Form Body (50035): activities.0.platform: Value must be one of desktop',
  ],
  ['Shopify', '{"errors":"Not Found"}', 'Not Found'],
  ['Shopify, fields', '{"errors":{"title":["can\'t be blank"]}}', "title: can't be blank"],
  ['Shopify GraphQL', '{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}', 'Throttled'],
  [
    'HubSpot',
    '{"status":"error","message":"Invalid input","correlationId":"aeb5","category":"VALIDATION_ERROR"}',
    'Invalid input (VALIDATION_ERROR)',
  ],
  [
    'Salesforce',
    '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
    'TotalRequests Limit exceeded. (REQUEST_LIMIT_EXCEEDED)',
  ],
  [
    'Notion',
    '{"object":"error","status":400,"code":"validation_error","message":"body failed validation"}',
    'body failed validation (validation_error)',
  ],
  [
    'Jira',
    '{"errorMessages":["The value \'X\' does not exist."],"errors":{"jql":"bad clause"}}',
    "The value 'X' does not exist.: jql: bad clause",
  ],
  [
    'Intercom',
    '{"type":"error.list","request_id":"b2","errors":[{"code":"token_unauthorized","message":"Not authorized","field":null}]}',
    'Not authorized (token_unauthorized)',
  ],
  [
    'Airtable',
    '{"error":{"type":"INVALID_PERMISSIONS","message":"You are not permitted"}}',
    'You are not permitted (INVALID_PERMISSIONS)',
  ],
  ['Airtable, bare', '{"error":"NOT_FOUND"}', 'NOT_FOUND'],
  [
    'Google',
    '{"error":{"errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded","message":"User Rate Limit Exceeded"}],"code":403,"message":"User Rate Limit Exceeded"}}',
    'User Rate Limit Exceeded (userRateLimitExceeded)',
  ],
  [
    'Microsoft Graph',
    '{"error":{"code":"TooManyRequests","message":"Please retry again later.","innerError":{"request-id":"94fb"}}}',
    'Please retry again later. (TooManyRequests)',
  ],
  [
    'Okta',
    '{"errorCode":"E0000047","errorSummary":"API call exceeded rate limit due to too many requests.","errorCauses":[]}',
    'API call exceeded rate limit due to too many requests. (E0000047)',
  ],
  ['Zoom', '{"code":1001,"message":"User does not exist"}', 'User does not exist (1001)'],
  [
    'Klaviyo',
    '{"errors":[{"id":"1","status":400,"code":"invalid","title":"Invalid input.","detail":"Sort is not allowed","source":{"parameter":"sort"}}]}',
    'sort: Sort is not allowed (invalid)',
  ],
  [
    'Square',
    '{"errors":[{"category":"RATE_LIMIT_ERROR","code":"RATE_LIMITED","detail":"Too many"}]}',
    'Too many (RATE_LIMITED)',
  ],
  [
    'Twilio',
    '{"code":20429,"message":"Too Many Requests","more_info":"https://www.twilio.com/docs/errors/20429","status":429}',
    'Too Many Requests (20429)',
  ],
  ['SendGrid', '{"errors":[{"field":null,"message":"too many requests"}]}', 'too many requests'],
  [
    'OpenAI',
    '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
    'You exceeded your current quota (insufficient_quota)',
  ],
  [
    'Apigee',
    '{"fault":{"faultstring":"Invalid ApiKey","detail":{"errorcode":"oauth.v2.InvalidApiKey"}}}',
    'Invalid ApiKey',
  ],
  ['a bare list', '["plain"]', 'plain'],
] as const)('%s: the message says what the API says', ([, body, message]) => {
  expect(apiMessage(parseErrorBody(body))).toBe(message)
})

test('where no message is obvious, there is none', () => {
  for (const body of [
    '<html>',
    '{}',
    '{"code":7}',
    '{"message":""}',
    'null',
    '{"message":"cut o',
    '[]',
    '[[[[["x"]]]]]',
  ])
    expect(apiMessage(parseErrorBody(body))).toBeUndefined()
})

test('a body whose keys are those of every object is no trouble', () => {
  expect(apiMessage(parseErrorBody('{"__proto__":{"message":"x"},"constructor":"y"}'))).toBeUndefined()
})
