//! The rows of one row group that match a filter.

use std::sync::Arc;

use super::ArchiveView;
use super::dead::DeadRows;
use super::known::KnownPaths;
use super::prune::may_match;
use super::reader::of_object;
use crate::archive::catalog::DataFile;
use crate::archive::segment::{Chunks, RecordReader, RowGroup, Tail};
use crate::query::{Filter, Path, Prepared, Root};
use crate::{Error, Record, Result};

/// A question to every file: the query, and its filter in negation normal form.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) query: Prepared,
    filter: Arc<Filter>,
    /// The path that the query's order begins with.
    pub(super) first_of_order: Path,
    reader: RecordReader,
}

/// A data file that is being scanned.
#[derive(Debug)]
pub(super) struct FileScan {
    pub(super) file: Arc<DataFile>,
    pub(super) tail: Arc<Tail>,
    dead: DeadRows,
    known: KnownPaths,
    question: Question,
}

/// A record that matches, with its place in its row group.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) row: usize,
    pub(super) record: Arc<Record>,
}

/// Rows that may match, by their places in the row group.
struct Candidates {
    rows: Vec<usize>,
    /// For each of them, whether it certainly does.
    certain: Vec<bool>,
}

impl Question {
    pub(super) fn new(view: &ArchiveView, query: &Prepared) -> Self {
        let sort = query.query().sort.first();
        Self {
            first_of_order: sort.map_or_else(|| Path::of(Root::Id), |sort| sort.path.clone()),
            filter: Arc::new(query.query().filter.nnf()),
            reader: RecordReader::new(&view.state.table.columns),
            query: query.clone(),
        }
    }

    /// What the columns of a file tell of the query's paths.
    pub(super) fn known(&self, view: &ArchiveView, file: &DataFile) -> KnownPaths {
        KnownPaths::of(&self.filter, &self.first_of_order, &view.state.table, file)
    }

    /// Whether the catalog's statistics leave anything of a file.
    pub(super) fn may_match(&self, known: &KnownPaths, file: &DataFile) -> bool {
        may_match(&self.filter, &|path| known.in_file(path, file))
    }
}

impl FileScan {
    /// Fetches what a scan of the file needs besides its rows.
    pub(super) async fn open(
        view: &ArchiveView,
        file: Arc<DataFile>,
        question: Question,
    ) -> Result<Arc<Self>> {
        let tail = view.reader.tail(&file).await?;
        let dead = view.reader.dead(&file, &view.state).await?;
        Ok(Arc::new(Self {
            known: question.known(view, &file),
            tail,
            dead,
            file,
            question,
        }))
    }

    pub(super) fn known(&self) -> &KnownPaths {
        &self.known
    }

    /// The row groups in which the footer's statistics leave anything.
    pub(super) fn groups(&self) -> Vec<usize> {
        let extent = |group| move |path: &Path| self.known.in_group(path, &self.tail, group);
        (0..self.tail.row_groups())
            .filter(|group| {
                let rows = self.tail.rows(*group);
                let is_live = (self.dead.within(&rows).len() as u64) < rows.end - rows.start;
                is_live && may_match(&self.question.filter, &extent(*group))
            })
            .collect()
    }

    /// The field ids of all columns that a search reads: those of the filter, and those of records.
    pub(super) fn columns(&self) -> Vec<i64> {
        let mut columns = self.known.columns();
        columns.extend(self.question.reader.field_ids(self.tail.is_ours()));
        columns
    }

    /// The bytes of a row group that a search fetches.
    pub(super) fn bytes(&self, group: usize) -> Result<u64> {
        let ranges = self.tail.ranges(group, &self.columns())?;
        Ok(ranges.iter().map(|range| range.end - range.start).sum())
    }

    /// Fetches row groups for a search.
    pub(super) async fn fetch(&self, view: &ArchiveView, groups: &[usize]) -> Result<Chunks> {
        let columns = self.columns();
        let mut ranges = Vec::new();
        for group in groups {
            ranges.extend(self.tail.ranges(*group, &columns)?);
        }
        view.reader.fetch(&self.file, ranges).await
    }

    /// The records of a row group that match.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported`: what is there cannot be read.
    pub(super) fn matches(&self, group: usize, chunks: &Chunks) -> Result<Vec<Match>> {
        self.matches_in(group, chunks)
            .map_err(|error| self.named(error))
    }

    fn matches_in(&self, number: usize, chunks: &Chunks) -> Result<Vec<Match>> {
        let group = RowGroup::open(&self.tail, number, &self.columns(), chunks.clone())?;
        let candidates = self.candidates(&group, number)?;
        let records = self.read(&group, &candidates.rows)?;
        let matches = candidates.rows.iter().zip(candidates.certain).zip(records);
        Ok(matches
            .filter(|((_, is_certain), record)| *is_certain || self.question.query.matches(record))
            .map(|((row, _), record)| Match {
                row: *row,
                record: Arc::new(record),
            })
            .collect())
    }

    /// How many records of a row group match; `fields` is read only where the columns leave a doubt.
    ///
    /// # Errors
    /// As [`matches`](Self::matches).
    pub(super) fn count(&self, number: usize, chunks: &Chunks) -> Result<u64> {
        let count = || {
            let group = RowGroup::open(&self.tail, number, &self.columns(), chunks.clone())?;
            let candidates = self.candidates(&group, number)?;
            let doubtful = candidates.rows.iter().zip(&candidates.certain);
            let doubtful: Vec<usize> = doubtful
                .filter_map(|(row, is_certain)| (!is_certain).then_some(*row))
                .collect();
            let certain = candidates.rows.len() - doubtful.len();
            let records = self.read(&group, &doubtful)?;
            let matching = records
                .iter()
                .filter(|record| self.question.query.matches(record));
            Ok((certain + matching.count()) as u64)
        };
        count().map_err(|error| self.named(error))
    }

    /// The records in some rows of a row group, which are known to match.
    ///
    /// # Errors
    /// As [`matches`](Self::matches).
    pub(super) fn records(
        &self,
        number: usize,
        rows: &[usize],
        chunks: &Chunks,
    ) -> Result<Vec<Arc<Record>>> {
        let read = || {
            let columns = self.question.reader.field_ids(self.tail.is_ours());
            let group = RowGroup::open(&self.tail, number, &columns, chunks.clone())?;
            Ok(self.read(&group, rows)?.into_iter().map(Arc::new).collect())
        };
        read().map_err(|error| self.named(error))
    }

    /// The live rows that the columns do not rule out.
    fn candidates(&self, group: &RowGroup<'_>, number: usize) -> Result<Candidates> {
        let range = self.tail.rows(number);
        let mut dead = self.dead.within(&range).iter().peekable();
        let columns = group.columns(&self.known.columns(), None)?;
        let values = self.known.values(&columns)?;
        let mut candidates = Candidates {
            rows: Vec::new(),
            certain: Vec::new(),
        };
        for (row, position) in range.enumerate() {
            if dead.next_if(|dead| **dead == position).is_some() {
                continue;
            }
            let verdict = self.question.query.judge(|path| values.get(path, row));
            if verdict != Some(false) {
                candidates.rows.push(row);
                candidates.certain.push(verdict == Some(true));
            }
        }
        Ok(candidates)
    }

    fn read(&self, group: &RowGroup<'_>, rows: &[usize]) -> Result<Vec<Record>> {
        let records = self
            .question
            .reader
            .read(group, self.tail.is_ours(), Some(rows))?;
        records
            .into_iter()
            .map(|record| {
                record.ok_or_else(|| {
                    Error::corrupt(
                        "another program wrote a row without an id into the archive; give it one or delete it",
                    )
                })
            })
            .collect()
    }

    fn named(&self, error: Error) -> Error {
        of_object(error, &self.file.path)
    }
}
