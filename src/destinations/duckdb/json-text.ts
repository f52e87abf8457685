/**
 * JSON text that DuckDB takes. JSON can escape half of a surrogate pair, which is no character; DuckDB refuses the whole text
 * for it. It becomes U+FFFD, as it does where a text column stores it.
 */
export function storableJson(json: string): string {
  // `JSON.stringify` escapes nothing else this way.
  if (!json.includes('\\ud')) return json
  return json.replace(/\\\\|\\ud[0-9a-f]{3}/g, (found) => (found === '\\\\' ? found : '\ufffd'))
}
