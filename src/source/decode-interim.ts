import type { JsonRecord, Value } from '../ports/json.ts'
import type { HttpResponse } from '../ports/runtime.ts'
export async function readJson(
  response: HttpResponse,
  _options: { url: string },
): Promise<{ value: Value; bytes: Buffer; byteLength: number }> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  return { value: JSON.parse(bytes.toString()), bytes, byteLength: bytes.length }
}
export async function readJsonLines(
  response: HttpResponse,
  options: { url: string; onRecords(records: JsonRecord[], bytes: number): Promise<void> },
): Promise<void> {
  for await (const chunk of response.body) {
    const lines = Buffer.from(chunk)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
    await options.onRecords(
      lines.map((line) => JSON.parse(line)),
      chunk.length,
    )
  }
}
