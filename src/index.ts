// The public API, by name; nothing else is public.

// A pipeline, and running it
export { definePipeline, type Pipeline, type PipelineInput } from './config/pipeline.ts'
export { type LoadedPipeline, loadPipeline } from './config/load.ts'
export { run, type RunPipelineOptions } from './run.ts'
export { env, parseSecret, Secret, type SecretLookup, SecretMissingError } from './options/secret.ts'

// Sources
export { rest } from './source/rest.ts'
export type { RestOptions } from './source/rest-options.ts'
export { openSource } from './config/open-source.ts'

// Pagination: the options of a stream, and each paginator alone
export { cursor, type CursorOptions, cursorPaginator } from './pagination/cursor.ts'
export { keyset, type KeysetOptions, keysetPaginator } from './pagination/keyset.ts'
export { linkHeader, type LinkHeaderOptions, linkHeaderPaginator } from './pagination/link-header.ts'
export { nextUrl, type NextUrlOptions, nextUrlPaginator } from './pagination/next-url.ts'
export { none, type NoneOptions, nonePaginator } from './pagination/none.ts'
export { offset, type OffsetOptions, offsetPaginator } from './pagination/offset.ts'
export { pageNumber, type PageNumberOptions, pageNumberPaginator } from './pagination/page-number.ts'
export { time, type TimeOptions, timePaginator } from './pagination/time.ts'
export {
  type PageView,
  PaginationInvalidError,
  PaginationLoopError,
  PaginationStuckError,
  type Paginator,
} from './pagination/paginator.ts'

// Credentials
export { apiKey, type ApiKeyOptions } from './auth/api-key.ts'
export type { AuthContext, Authenticator } from './auth/authenticator.ts'
export { basic, type BasicOptions } from './auth/basic.ts'
export { bearer, type BearerOptions } from './auth/bearer.ts'
export { oauth2, type OAuth2Options } from './auth/oauth2.ts'
export { createTokenManager, type TokenManager, type TokenManagerOptions } from './auth/token-manager.ts'
export { fileTokenStore } from './auth/file-token-store.ts'
export { memoryTokenStore, type StoredToken, type TokenStore } from './auth/token-store.ts'

// The client, and its parts
export { type Client, type ClientOptions, type ClientRequestOptions, createClient } from './http/client.ts'
export { type CircuitBreaker, type CircuitBreakerOptions, circuitBreaker } from './http/breaker.ts'
export { createRetrier, type Retrier, type RetryPolicy } from './http/retry.ts'
export { readJson } from './http/decode/json.ts'
export { readJsonLines } from './http/decode/json-lines.ts'
export { systemClock, systemRuntime } from './http/system-runtime.ts'
export { undiciTransport, type UndiciTransportOptions } from './http/transport.ts'

// Quotas
export type { Permit, Quota } from './quota/quota.ts'
export { tokenBucket } from './quota/token-bucket.ts'

// Destinations
export { duckdb, type DuckdbInput } from './destinations/duckdb/options.ts'
export { createDuckdbDestination, type DuckdbDestination } from './destinations/duckdb/duckdb.ts'
export { type StreamFile, streamToFile, type StreamToFileOptions } from './destinations/files/stream-to-file.ts'

// Watching
export { type Monitor, type MonitorOptions, type MonitorSnapshot, monitor } from './observe/monitor.ts'
export { ReportBuilder, type RunReport, type StreamReport } from './observe/report.ts'
export { formatSummary } from './observe/summary.ts'

// Ports: what a source, a destination or a runtime of your own implements
export type {
  Checkpoint,
  CheckpointUpdate,
  Destination,
  DestinationCapabilities,
  DestinationSession,
  Load,
  LoadReceipt,
  Reject,
  RunRecord,
} from './ports/destination.ts'
export type { EventSink, SluiceEvent } from './ports/events.ts'
export { type Json, type JsonRecord, LongDecimal, type Value } from './ports/json.ts'
export type { RequestSpec } from './ports/request.ts'
export type { Clock, HttpHeaders, HttpRequest, HttpResponse, Runtime, Transport } from './ports/runtime.ts'
export type { Column, ColumnType, TableSchema } from './ports/schema.ts'
export type { Progress, ReadScope, Slice, Source, SourcePage, Stream } from './ports/source.ts'

// Errors
export { ConfigError, type ErrorCode, InterruptedError, isSluiceError, type Recovery, SluiceError } from './errors.ts'
export * from './http/errors.ts'
export { BodyUnreadableError } from './http/decode/errors.ts'
export { TokenRefusedError } from './auth/token-error.ts'
export {
  CheckpointConflictError,
  DestinationBusyError,
  DestinationError,
  DestinationSchemaError,
  EmptyReplaceError,
} from './destinations/errors.ts'
export { KeyInvalidError } from './records/record-key.ts'
