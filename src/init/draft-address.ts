// What an address answers: a list, or the document of an API.

import type { PipelineDraft } from './draft.ts'
import { type AskedUrl, askUrl, type DraftUrlOptions, draftAsked } from './draft-url.ts'
import { type ApiDocument, looksLikeOpenApi, parseApiDocument } from './openapi/document.ts'

/**
 * Asks the address once, and takes its answer for what it is.
 * @throws ConfigError where it is neither; what the client throws where there is no answer
 */
export async function draftAddress(
  text: string,
  options: DraftUrlOptions,
): Promise<PipelineDraft | ApiDocument> {
  await using asked: AskedUrl = await askUrl(text, options)
  const body = asked.sample.bytes.toString()
  return looksLikeOpenApi(body) ? parseApiDocument(body, text) : await draftAsked(asked, options)
}
