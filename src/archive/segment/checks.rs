//! Checksums of a segment: of every column chunk, and of the footer.
//!
//! Parquet's own page checksums cover neither the headers of the pages nor the footer, the crate that writes our files
//! cannot write them, and few readers ask for them. So a block of ours, which other readers skip, stands between the id
//! index and the footer, and a flipped bit anywhere in a segment is noticed before a value is made of it.
//!
//! # Bytes, version 1
//!
//! All numbers are little-endian; all checksums are CRC-32 (that of Ethernet).
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `TCck` |
//! | 4 | 1 | version: 1 |
//! | 5 | 3 | 0 |
//! | 8 | 4 | *c*, columns |
//! | 12 | 4 | *g*, row groups |
//! | 16 | 4 × *c* × *g* | the checksum of each column chunk: all of the first row group, in the order of the file, then the second's, .. |
//! | then | 4 | the checksum of the footer, without the eight bytes of its trailer |
//! | then | 4 | the checksum of all bytes of the block before |

use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;

use crate::{Error, Result};

const MAGIC: &[u8; 4] = b"TCck";
const VERSION: u8 = 1;
const HEADER: usize = 16;

/// The checksums of a segment.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    columns: usize,
    bytes: Bytes,
}

impl Checks {
    /// The length of the block.
    pub(super) fn length(columns: usize, groups: usize) -> usize {
        HEADER + 4 * columns * groups + 8
    }

    /// The block of the file `bytes`, whose footer begins at `footer` and has this metadata.
    pub(super) fn compute(bytes: &[u8], footer: usize, metadata: &ParquetMetaData) -> Vec<u8> {
        let columns = metadata.file_metadata().schema_descr().num_columns();
        let groups = metadata.num_row_groups();
        let mut block = Vec::with_capacity(Self::length(columns, groups));
        block.extend_from_slice(MAGIC);
        block.extend_from_slice(&[VERSION, 0, 0, 0]);
        for count in [columns, groups] {
            block.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        }
        for chunk in metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns())
        {
            let (start, length) = chunk.byte_range();
            let range =
                usize::try_from(start).unwrap_or(0)..usize::try_from(start + length).unwrap_or(0);
            block.extend_from_slice(&crc32fast::hash(&bytes[range]).to_le_bytes());
        }
        let footer = crc32fast::hash(&bytes[footer..bytes.len() - 8]);
        block.extend_from_slice(&footer.to_le_bytes());
        let whole = crc32fast::hash(&block);
        block.extend_from_slice(&whole.to_le_bytes());
        block
    }

    /// Splits the block off the end of `bytes` and checks it, and the footer by it.
    ///
    /// # Errors
    /// `Unsupported`: a later version wrote it. `Corrupt`: it is not what was written.
    pub(super) fn split_off(
        bytes: &mut Bytes,
        footer: &[u8],
        columns: usize,
        groups: usize,
    ) -> Result<Self> {
        let damaged =
            |what| Error::corrupt("the checksums of a segment are damaged").with("problem", what);
        let start = bytes
            .len()
            .checked_sub(Self::length(columns, groups))
            .ok_or_else(|| damaged("too short"))?;
        let block = bytes.split_off(start);
        let number = |at: usize| {
            block
                .get(at..at + 4)
                .map_or([0; 4], |four| [four[0], four[1], four[2], four[3]])
        };
        let end = block.len() - 4;
        if &number(0) != MAGIC || number(end) != crc32fast::hash(&block[..end]).to_le_bytes() {
            return Err(damaged("its mark or its own checksum differs"));
        }
        if number(4) != [VERSION, 0, 0, 0] {
            return Err(Error::unsupported(
                "a newer version of Thermocline wrote this segment; read it with that version",
            ));
        }
        if number(end - 4) != crc32fast::hash(footer).to_le_bytes() {
            return Err(damaged("the footer's checksum differs"));
        }
        Ok(Self {
            columns,
            bytes: block,
        })
    }

    /// Whether the bytes of a column chunk are those that were written.
    pub(super) fn is_whole(&self, group: usize, column: usize, chunk: &[u8]) -> bool {
        let at = HEADER + 4 * (group * self.columns + column);
        self.bytes.get(at..at + 4) == Some(&crc32fast::hash(chunk).to_le_bytes()[..])
    }

    /// The bytes that it takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
