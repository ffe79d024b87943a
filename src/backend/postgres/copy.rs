//! The binary form of `COPY`: a header, rows of counted cells, a trailer.

use bytes::{Buf, Bytes, BytesMut};

use super::row::Cells;
use crate::{Error, Result};

/// What every binary copy begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The signature, the flags and the length of what else the header holds.
const HEADER: usize = SIGNATURE.len() + 8;

/// What ends a copy in the place of a row's count of cells.
const TRAILER: i16 = -1;

/// A copy to the server.
#[derive(Debug)]
pub(super) struct CopyText(Vec<u8>);

impl CopyText {
    /// An empty copy, with room for so many rows of the usual size.
    pub(super) fn with_capacity(rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER + rows * 300);
        bytes.extend_from_slice(SIGNATURE);
        bytes.resize(HEADER, 0);
        Self(bytes)
    }

    /// Begins a row of so many cells.
    pub(super) fn begin_row(&mut self, cells: i16) {
        self.0.extend_from_slice(&cells.to_be_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.begin_cell(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A `jsonb`, which is the number of its format, and the text.
    pub(super) fn json(&mut self, json: Option<&str>) {
        let Some(json) = json else { return self.null() };
        self.begin_cell(json.len() + 1);
        self.0.push(1);
        self.0.extend_from_slice(json.as_bytes());
    }

    /// A `timestamp`, in microseconds from 2000.
    pub(super) fn time(&mut self, micros: Option<i64>) {
        let Some(micros) = micros else {
            return self.null();
        };
        self.begin_cell(8);
        self.0.extend_from_slice(&micros.to_be_bytes());
    }

    /// The whole copy.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.begin_row(TRAILER);
        self.0
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn begin_cell(&mut self, bytes: usize) {
        // Records are far smaller than a cell may be.
        let length = i32::try_from(bytes).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
    }
}

/// Takes a copy apart, wherever the network cut it.
#[derive(Debug, Default)]
pub(super) struct CopyRows {
    pending: BytesMut,
    is_past_header: bool,
    is_done: bool,
}

/// One row of a copy.
#[derive(Debug)]
pub(super) struct CopyRow {
    bytes: Bytes,
    cells: Vec<Option<(usize, usize)>>,
}

impl CopyRows {
    /// The next bytes of the copy.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next row that is there as a whole.
    ///
    /// # Errors
    /// `Corrupt`: this is no binary copy.
    pub(super) fn row(&mut self) -> Result<Option<CopyRow>> {
        if !self.is_past_header {
            if self.pending.len() < HEADER {
                return Ok(None);
            }
            if !self.pending.starts_with(SIGNATURE) {
                return Err(broken());
            }
            let more = u32::from_be_bytes(self.four(HEADER - 4)?) as usize;
            if self.pending.len() < HEADER + more {
                return Ok(None);
            }
            self.pending.advance(HEADER + more);
            self.is_past_header = true;
        }
        if self.is_done || self.pending.len() < 2 {
            return Ok(None);
        }
        let count = i16::from_be_bytes([self.pending[0], self.pending[1]]);
        let Ok(count) = usize::try_from(count) else {
            self.is_done = true;
            return Ok(None);
        };
        let (mut at, mut cells) = (2, Vec::with_capacity(count));
        for _ in 0..count {
            if self.pending.len() < at + 4 {
                return Ok(None);
            }
            let length = i32::from_be_bytes(self.four(at)?);
            at += 4;
            match usize::try_from(length) {
                Ok(length) => {
                    cells.push(Some((at, at + length)));
                    at += length;
                }
                Err(_) => cells.push(None),
            }
        }
        if self.pending.len() < at {
            return Ok(None);
        }
        Ok(Some(CopyRow {
            bytes: self.pending.split_to(at).freeze(),
            cells,
        }))
    }

    /// Whether the trailer was met: what ends without it was cut off.
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    fn four(&self, at: usize) -> Result<[u8; 4]> {
        self.pending
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(broken)
    }
}

impl Cells for CopyRow {
    fn bytes(&self, index: usize) -> Result<Option<&[u8]>> {
        let cell = self.cells.get(index).ok_or_else(broken)?;
        Ok(cell.map(|(from, to)| &self.bytes[from..to]))
    }
}

fn broken() -> Error {
    Error::corrupt("the server's copy of the table cannot be read")
}

#[cfg(test)]
mod tests;
