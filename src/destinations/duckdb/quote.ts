/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL literal. DuckDB gives backslashes no meaning. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
