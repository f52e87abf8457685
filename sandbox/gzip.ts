// gzip without a thread and without the whole text in memory: each piece is deflated on its own, and the pieces are one gzip member.
import { constants, crc32, deflateRawSync } from 'node:zlib'

/** RFC 1952, 2.3: magic, deflate, no flags, no time, no extra flags, Unix. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
/** RFC 1951, 3.2.6: a last block of fixed codes that holds nothing. */
const LAST_BLOCK = Uint8Array.of(0x03, 0x00)

export function* gzipPieces(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield HEADER
  let checksum = 0
  let size = 0
  for (const piece of pieces) {
    checksum = crc32(piece, checksum)
    size += piece.length
    // A sync flush ends each piece on a byte boundary without ending the stream.
    yield deflateRawSync(piece, { level: 1, finishFlush: constants.Z_SYNC_FLUSH })
  }
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(checksum, 0)
  trailer.writeUInt32LE(size % 0x1_0000_0000, 4)
  yield LAST_BLOCK
  yield trailer
}
