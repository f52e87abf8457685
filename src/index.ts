// The public API, by name; nothing else is public.

// Credentials
export { type ApiKeyOptions, apiKey } from './auth/api-key.ts'
export type { AuthContext } from './auth/auth-context.ts'
export { type AwsSigV4Options, awsSigV4 } from './auth/aws-sigv4.ts'
export { type BasicOptions, basic } from './auth/basic.ts'
export { type BearerOptions, bearer } from './auth/bearer.ts'
export { type CustomAuthOptions, type CustomSignContext, customAuth } from './auth/custom.ts'
export { fileTokenStore } from './auth/file-token-store.ts'
export { type HmacOptions, hmac } from './auth/hmac.ts'
export { type JwtOptions, jwt } from './auth/jwt.ts'
export { oauth2 } from './auth/oauth2.ts'
export type { OAuth2Options } from './auth/oauth2-options.ts'
export { oauth2Tokens } from './auth/oauth2-tokens.ts'
export { type SessionOptions, session } from './auth/session.ts'
export {
  LoginRequiredError,
  TokenRefusedError,
  TokenStoreError,
  TokenUnavailableError,
} from './auth/token-error.ts'
export { createTokenManager, type TokenManager, type TokenManagerOptions } from './auth/token-manager.ts'
export { memoryTokenStore, type StoredToken, type TokenStore } from './auth/token-store.ts'
export { type LoadedPipeline, loadPipeline } from './config/load.ts'
export { type OpenClientOptions, openClient } from './config/open-client.ts'
export { openSource } from './config/open-source.ts'
// A pipeline, and running it
export { definePipeline, type Pipeline, type PipelineInput } from './config/pipeline.ts'
export type { SurroundingsOptions } from './config/surroundings.ts'
export { type DuckdbDestination, duckdbDestination } from './destinations/duckdb/duckdb.ts'
// Destinations
export { type DuckdbInput, duckdb } from './destinations/duckdb/options.ts'
export {
  CheckpointConflictError,
  DestinationBusyError,
  DestinationError,
  DestinationSchemaError,
  EmptyReplaceError,
  LoadRevertError,
  RemovalLimitError,
  StreamBusyError,
} from './destinations/errors.ts'
export {
  type FilesDestination,
  type FilesSurroundings,
  filesDestination,
  type ListedFile,
  type ListedTable,
} from './destinations/files/files.ts'
export { type FilesInput, files } from './destinations/files/options.ts'
export {
  type StreamFile,
  type StreamToFileOptions,
  streamToFile,
} from './destinations/files/stream-to-file.ts'
export { type PostgresInput, postgres } from './destinations/postgres/options.ts'
export { type PostgresDestination, postgresDestination } from './destinations/postgres/postgres.ts'
// Checkpoints alone
export {
  type CheckpointStore,
  type CheckpointWrite,
  openCheckpointStore,
} from './engine/checkpoint-store.ts'
export { ReplaceIncompleteError } from './engine/replace-incomplete.ts'
// Errors
export {
  ConfigError,
  type ErrorCode,
  InterruptedError,
  isSluiceError,
  type Recovery,
  SluiceError,
} from './errors.ts'
export { type CircuitBreaker, type CircuitBreakerOptions, circuitBreaker } from './http/breaker.ts'
// The client, and its parts
export { type Client, type ClientOptions, type ClientRequestOptions, createClient } from './http/client.ts'
export { BodyUnreadableError } from './http/decode/errors.ts'
export { readJson } from './http/decode/json.ts'
export { readJsonLines } from './http/decode/json-lines.ts'
export {
  AuthRefusedError,
  BodyTooLargeError,
  BodyTruncatedError,
  CircuitOpenError,
  HttpStatusError,
  OriginRefusedError,
  QuotaPausedError,
  RateLimitedError,
  RedirectRefusedError,
  RetriesExhaustedError,
  TimeoutError,
  TransportError,
} from './http/errors.ts'
export { createRetrier, type Retrier, type RetryPolicy } from './http/retry.ts'
export { systemClock, systemRuntime } from './http/system-runtime.ts'
export { type UndiciTransportOptions, undiciTransport } from './http/transport.ts'
// Watching
export { type Monitor, type MonitorOptions, type MonitorSnapshot, monitor } from './observe/monitor.ts'
export { ReportBuilder, type RunReport, type SideReport, type StreamReport } from './observe/report.ts'
export { formatSummary } from './observe/summary.ts'
export { env, parseSecret, Secret, type SecretLookup, SecretMissingError } from './options/secret.ts'
// Pagination: the options of a stream, and each paginator alone
export { type AutoOptions, auto, autoPaginator } from './pagination/auto.ts'
export { type CursorOptions, cursor, cursorPaginator } from './pagination/cursor.ts'
export { type CustomOptions, type CustomPaginator, customPaginator } from './pagination/custom.ts'
export { type Detection, detectPagination } from './pagination/detect/detect-pagination.ts'
export { type KeysetOptions, keyset, keysetPaginator } from './pagination/keyset.ts'
export { type LinkHeaderOptions, linkHeader, linkHeaderPaginator } from './pagination/link-header.ts'
export { type NextUrlOptions, nextUrl, nextUrlPaginator } from './pagination/next-url.ts'
export { type NoneOptions, none, nonePaginator } from './pagination/none.ts'
export { type OffsetOptions, offset, offsetPaginator } from './pagination/offset.ts'
export { createPaginator, type PaginatorOptions } from './pagination/options.ts'
export { type PageNumberOptions, pageNumber, pageNumberPaginator } from './pagination/page-number.ts'
export {
  type PageView,
  PaginationDepthError,
  PaginationInvalidError,
  PaginationLoopError,
  PaginationStuckError,
  type Paginator,
} from './pagination/paginator.ts'
export { type RelayOptions, relay, relayPaginator } from './pagination/relay.ts'
export { type TimeOptions, time, timePaginator } from './pagination/time.ts'
export type { Authenticator } from './ports/authenticator.ts'
// Ports: what a source, a destination or a runtime of your own implements
export type {
  Checkpoint,
  CheckpointMove,
  CheckpointUpdate,
  Destination,
  DestinationCapabilities,
  DestinationSession,
  Load,
  LoadReceipt,
  Reject,
  RunRecord,
  SideLoad,
  StagedTables,
  TableCounts,
} from './ports/destination.ts'
export type { EventSink, SluiceEvent } from './ports/events.ts'
export { type Json, type JsonRecord, LongDecimal, type Value } from './ports/json.ts'
export type { RequestSpec } from './ports/request.ts'
export type {
  Clock,
  HttpHeaders,
  HttpProxy,
  HttpRequest,
  HttpResponse,
  Runtime,
  Transport,
} from './ports/runtime.ts'
export type { Column, ColumnType, TableSchema } from './ports/schema.ts'
export type { Progress, ReadScope, SideTable, Slice, Source, SourcePage, Stream } from './ports/source.ts'
export type { LearnedRate } from './quota/adaptive/adaptive-rate.ts'
// Quotas
export { combineQuotas } from './quota/combine.ts'
export { QuotaImpossibleError } from './quota/errors.ts'
export { fileQuotaMemory, QuotaMemoryError } from './quota/memory/file-quota-memory.ts'
export type { KeptUse, QuotaMemory } from './quota/memory/quota-memory.ts'
export { concurrency } from './quota/meters/concurrency.ts'
export { type RequestWindowOptions, requestWindow } from './quota/meters/request-window.ts'
export { type TokenBucketOptions, tokenBucket } from './quota/meters/token-bucket.ts'
export type {
  Permit,
  Quota,
  QuotaAsk,
  QuotaCharge,
  QuotaRefusal,
  QuotaReply,
  QuotaRequest,
} from './quota/quota.ts'
export { createQuotaRegistry, type QuotaRegistry, type QuotaRegistryOptions } from './quota/registry.ts'
export { memoryQuotaStore } from './quota/store/memory-quota-store.ts'
export { grantedPlaces, type PlaceGrant, type PlaceHolder } from './quota/store/place-share.ts'
export { type PostgresQuotaStoreOptions, postgresQuotaStore } from './quota/store/postgres-quota-store.ts'
export type { HeldPlaces, LeaseAsk, PlacesAsk, QuotaLease, QuotaStore } from './quota/store/quota-store.ts'
export { QuotaStoreError } from './quota/store/quota-store-error.ts'
export { AllRejectedError } from './records/all-rejected.ts'
export { observeRecords } from './records/observe.ts'
export { KeyInvalidError } from './records/record-key.ts'
export { type RunPipelineOptions, run } from './run.ts'
// Sources
export { CursorMissingError } from './source/incremental/cursor-errors.ts'
export { JobFailedError, JobTimeoutError } from './source/job/job-errors.ts'
export { type ListPage, type ListPagesOptions, listPages } from './source/pages/list-pages.ts'
export { ApiErrorBodyError, SelectorEmptyError } from './source/response/select.ts'
export { rest } from './source/rest.ts'
export type { RestOptions } from './source/rest-options.ts'
