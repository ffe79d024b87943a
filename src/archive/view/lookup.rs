//! Finding the live rows of some ids.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use futures::{StreamExt, TryStreamExt, stream};

use super::ArchiveView;
use super::dead::{DeadRows, Deleted};
use super::probe::{Hit, probe};
use super::prune::text_may_be;
use crate::archive::catalog::{CatalogState, DataFile, Place};
use crate::archive::column::{ColumnSource, SystemColumn};
use crate::fault::mutation;
use crate::{Error, Record, Result};

/// How many files are asked at a time.
const AT_ONCE: usize = 8;

/// A live row.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) place: Place,
    pub(crate) record: Arc<Record>,
    /// Older live rows of the same id, which another program left: whoever ends this one ends them too, or the next
    /// one would come back in its place.
    pub(crate) older: Vec<Place>,
}

impl Located {
    /// Every live row of the id.
    pub(crate) fn into_places(self) -> impl Iterator<Item = Place> {
        std::iter::once(self.place).chain(self.older)
    }
}

/// What the files of an archive say about some ids, gathered outside of any transaction.
///
/// A file never changes, so what it said holds at every snapshot that has it. [`load`](Self::load) asks the files of one
/// snapshot that were not asked yet; [`resolve`](Self::resolve) answers at a snapshot from memory alone, and says so if it
/// cannot.
#[derive(Debug)]
pub(crate) struct Lookup {
    ids: Vec<Arc<str>>,
    /// What the files that were asked hold, by their paths.
    files: HashMap<Arc<str>, Vec<Hit>, FixedState>,
    /// The delete files of those that hold something.
    deleted: HashMap<Arc<str>, Arc<Deleted>, FixedState>,
}

/// The live rows of one id.
#[derive(Debug, Default)]
struct Rows<'a> {
    newest: Option<Candidate<'a>>,
    older: Vec<Place>,
}

/// A live row, and what decides which of several counts: the newest (snapshot, row id).
#[derive(Debug)]
struct Candidate<'a> {
    age: (i64, i64),
    place: Place,
    record: &'a Arc<Record>,
}

impl Lookup {
    /// Ids whose rows are to be found; one may come again.
    pub(crate) fn new(ids: &[&str]) -> Self {
        Self {
            ids: ids.iter().map(|id| Arc::from(*id)).collect(),
            files: HashMap::default(),
            deleted: HashMap::default(),
        }
    }

    /// Asks the files of `view` that were not asked yet, several at a time.
    ///
    /// # Errors
    /// `Corrupt`: stored bytes are not what was written, or an object is missing.
    pub(crate) async fn load(&mut self, view: &ArchiveView) -> Result<()> {
        let asked: Vec<_> = self.unasked(view).collect();
        let mut answers = stream::iter(asked.into_iter().map(|(file, ids)| async move {
            let hits = probe(view, &file, ids).await?;
            Ok::<_, Error>((Arc::clone(&file.path), hits))
        }))
        .buffer_unordered(AT_ONCE);
        let mut found = Vec::new();
        while let Some(answer) = answers.try_next().await? {
            found.push(answer);
        }
        drop(answers);
        self.files.extend(found);
        for file in &view.state.files {
            if self.files.get(&file.path).is_none_or(Vec::is_empty) {
                continue;
            }
            let mut deleted = None;
            if let Some(delete_file) = &file.delete_file {
                let read = view.reader.deleted(delete_file).await?;
                self.deleted
                    .insert(Arc::clone(&delete_file.path), Arc::clone(&read));
                deleted = Some(read);
            }
            // Said here, where there is an error to say it with.
            DeadRows::of(file, deleted.as_deref(), view.state.key.id)?;
        }
        Ok(())
    }

    /// Asks what is in memory alone; a file that would take a request stays unasked.
    pub(crate) async fn load_cached(&mut self, view: &ArchiveView) -> Result<()> {
        let asked: Vec<_> = self.unasked(view).collect();
        for (file, ids) in asked {
            let holds_none = ids.is_empty()
                || view.reader.known_tail(&file).await.is_some_and(|tail| {
                    tail.is_ours() && ids.iter().all(|id| tail.row_group_of(id).is_none())
                });
            if holds_none {
                self.files.insert(Arc::clone(&file.path), Vec::new());
            }
        }
        Ok(())
    }

    /// The files that were not asked yet, each with the ids that it may hold by its bounds.
    fn unasked<'a>(
        &'a self,
        view: &'a ArchiveView,
    ) -> impl Iterator<Item = (Arc<DataFile>, Vec<Arc<str>>)> + 'a {
        let mut distinct = self.ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let id_column = id_column(&view.state);
        let files = view.state.files.iter();
        files
            .filter(|file| !self.files.contains_key(&file.path))
            .map(move |file| {
                let stats = file.column_stats(id_column);
                let may_hold = |id: &&Arc<str>| stats.is_none_or(|stats| text_may_be(id, stats));
                (
                    Arc::clone(file),
                    distinct.iter().filter(may_hold).cloned().collect(),
                )
            })
    }

    /// The live row of each id at `state`, in the order of the ids; none if something is not loaded yet.
    pub(crate) fn resolve(&self, state: &CatalogState) -> Option<Vec<Option<Located>>> {
        let mut found: HashMap<&str, Rows<'_>, FixedState> =
            self.ids.iter().map(|id| (&**id, Rows::default())).collect();
        for file in &state.files {
            let hits = self.files.get(&file.path)?;
            if hits.is_empty() || (file.tail_length.is_none() && mutation("locate_ours_only")) {
                continue;
            }
            let deleted = match &file.delete_file {
                None => None,
                Some(delete_file) => Some(self.deleted.get(&delete_file.path)?),
            };
            // What is wrong with it is said when it is loaded.
            let dead = DeadRows::of(file, deleted.map(AsRef::as_ref), state.key.id).ok()?;
            for hit in hits.iter().filter(|hit| !dead.contains(hit.position)) {
                offer(&mut found, candidate(file, hit));
            }
        }
        for row in &*state.inlined {
            if found.contains_key(row.record.id().as_str()) && !mutation("locate_ours_only") {
                offer(
                    &mut found,
                    Candidate {
                        age: (row.begin_snapshot, row.row_id),
                        place: Place::Inlined {
                            table: Arc::clone(&row.table),
                            row_id: row.row_id,
                        },
                        record: &row.record,
                    },
                );
            }
        }
        let located = |id: &Arc<str>| {
            let rows = found.get(&**id)?;
            let newest = rows.newest.as_ref()?;
            Some(Located {
                place: newest.place.clone(),
                record: Arc::clone(newest.record),
                older: rows.older.clone(),
            })
        };
        Some(self.ids.iter().map(located).collect())
    }
}

/// Takes a live row: the newest of its id, or an older one beside it.
fn offer<'a>(found: &mut HashMap<&str, Rows<'a>, FixedState>, candidate: Candidate<'a>) {
    let Some(rows) = found.get_mut(candidate.record.id().as_str()) else {
        return;
    };
    match &mut rows.newest {
        Some(known) if known.age >= candidate.age => rows.older.push(candidate.place),
        known => {
            let overtaken = known.replace(candidate);
            rows.older.extend(overtaken.map(|older| older.place));
        }
    }
}

fn candidate<'a>(file: &DataFile, hit: &'a Hit) -> Candidate<'a> {
    let position = i64::try_from(hit.position).unwrap_or(i64::MAX);
    Candidate {
        age: (
            file.begin_snapshot,
            file.row_id_start.unwrap_or(0).saturating_add(position),
        ),
        place: Place::File {
            file: file.id,
            position: hit.position,
        },
        record: &hit.record,
    }
}

/// The field id of the column of ids.
pub(super) fn id_column(state: &CatalogState) -> i64 {
    let is_id = |source: &ColumnSource| *source == ColumnSource::System(SystemColumn::Id);
    let column = state
        .table
        .columns
        .iter()
        .find(|column| is_id(&column.source));
    column.map_or(SystemColumn::Id.id(), |column| column.id)
}
