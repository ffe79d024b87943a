//! The rows of a running search, however they come.

use std::sync::Arc;

use crate::backend::postgres::copy::CopyRows;
use crate::backend::postgres::lease::{Answers, CopyOut, Lease};
use crate::backend::postgres::row::{self, Args};
use crate::backend::postgres::times::Zone;
use crate::{Error, Record, Result};

/// The records of a running statement.
pub(super) struct Rows<'l> {
    source: Source<'l>,
    zone: &'l Zone,
}

enum Source<'l> {
    /// Row by row, as the driver takes them apart.
    Answers(Answers<'l>),
    /// As a copy, the form that costs server and client least.
    Copy(CopyOut<'l>, CopyRows),
}

impl<'l> Rows<'l> {
    /// Starts a statement with values.
    pub(super) fn answered(
        lease: &'l mut Lease,
        sql: String,
        args: Args,
        zone: &'l Zone,
    ) -> Result<Self> {
        Ok(Self {
            source: Source::Answers(lease.start(&sql.into(), args.finish())?),
            zone,
        })
    }

    /// Starts a statement whose values are spelled in its text.
    pub(super) async fn copied(lease: &'l mut Lease, sql: &str, zone: &'l Zone) -> Result<Self> {
        let sql = format!("COPY ({sql}) TO STDOUT (FORMAT binary)");
        Ok(Self {
            source: Source::Copy(lease.copy_out(&sql).await?, CopyRows::default()),
            zone,
        })
    }

    /// The next record.
    pub(super) async fn next(&mut self) -> Result<Option<Arc<Record>>> {
        let record = match &mut self.source {
            Source::Answers(answers) => match answers.row().await? {
                Some(row) => row::record(&row, self.zone)?,
                None => return Ok(None),
            },
            Source::Copy(copy, rows) => loop {
                if let Some(row) = rows.row()? {
                    break row::record(&row, self.zone)?;
                }
                match copy.next().await? {
                    Some(bytes) => rows.push(&bytes),
                    None if rows.is_done() => return Ok(None),
                    None => {
                        return Err(Error::unavailable(
                            "the server's answer was cut off; search again",
                        ));
                    }
                }
            },
        };
        Ok(Some(Arc::new(record)))
    }
}
