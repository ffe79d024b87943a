//! Finding records by id, apart from what is dead today.
//!
//! Which rows of a segment bear an id never changes, so that is found out once, before a transaction. Inside it, only
//! the newest state of the catalog is needed to tell the live one, and nothing is fetched while locks are held.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::try_join_all;

use super::ArchiveView;
use super::deleted::Deleted;
use super::prune;
use crate::archive::catalog::{CatalogState, DataFile, Place};
use crate::fault::mutation;
use crate::{Record, Result};

/// A live archived record, and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) place: Place,
    pub(crate) record: Arc<Record>,
}

/// What is known of some ids in the files that were looked at.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// Each id once.
    ids: Vec<Box<str>>,
    /// Where an id stands in `ids`.
    places: HashMap<Box<str>, usize>,
    /// What was asked, in its order: places in `ids`.
    asked: Vec<usize>,
    files: HashMap<i64, Vec<Hit>>,
    deletes: HashMap<i64, Arc<Deleted>>,
}

/// A row that bears one of the ids.
#[derive(Debug)]
struct Hit {
    /// Which of the ids.
    id: usize,
    position: u64,
    record: Arc<Record>,
}

impl Lookup {
    pub(crate) fn new(asked: &[&str]) -> Self {
        let mut lookup = Self {
            ids: Vec::with_capacity(asked.len()),
            places: HashMap::with_capacity(asked.len()),
            asked: Vec::with_capacity(asked.len()),
            files: HashMap::new(),
            deletes: HashMap::new(),
        };
        for &id in asked {
            let next = lookup.ids.len();
            let place = *lookup.places.entry(id.into()).or_insert(next);
            if place == next {
                lookup.ids.push(id.into());
            }
            lookup.asked.push(place);
        }
        lookup
    }

    /// Looks into every file of the view that was not looked at yet, fetching what is needed.
    ///
    /// # Errors
    /// `Corrupt`, `Unavailable`, as the files' reading.
    pub(crate) async fn load(&mut self, view: &ArchiveView) -> Result<()> {
        let unknown = view
            .state
            .files
            .iter()
            .filter(|file| !self.files.contains_key(&file.id));
        let ids = &self.ids;
        let found = try_join_all(unknown.map(|file| async move {
            Ok::<_, crate::Error>((
                file.id,
                find(view, file, ids, true).await?.unwrap_or_default(),
            ))
        }));
        let found = found.await?;
        self.files.extend(found);
        for file in &view.state.files {
            if let Some(delete_file) = &file.delete_file
                && !self.deletes.contains_key(&delete_file.id)
                && self.has_hits(file.id)
            {
                let deleted = view.files.deleted(file, delete_file).await?;
                self.deletes.insert(delete_file.id, deleted);
            }
        }
        Ok(())
    }

    /// As [`load`](Self::load) with what is in memory alone: what would need a request stays unknown.
    pub(crate) async fn load_cached(&mut self, view: &ArchiveView) -> Result<()> {
        for file in &view.state.files {
            if !self.files.contains_key(&file.id)
                && let Some(hits) = find(view, file, &self.ids, false).await?
            {
                self.files.insert(file.id, hits);
            }
        }
        Ok(())
    }

    fn has_hits(&self, file: i64) -> bool {
        self.files.get(&file).is_some_and(|hits| !hits.is_empty())
    }

    /// The live record of each id at `state`; none if that takes a file that was not looked at.
    ///
    /// Where programs that know nothing of ids wrote one twice, the newest counts: by snapshot, then by row id.
    pub(crate) fn resolve(&self, state: &CatalogState) -> Option<Vec<Option<Located>>> {
        let mut best: Vec<Option<((i64, i64), Located)>> = vec![None; self.ids.len()];
        let mut offer = |id: usize, age: (i64, i64), located: Located| {
            if best[id].as_ref().is_none_or(|(known, _)| *known < age) {
                best[id] = Some((age, located));
            }
        };
        for file in &state.files {
            let hits = self.files.get(&file.id)?;
            for hit in hits {
                if file.is_dead_inlined(hit.position) {
                    continue;
                }
                if let Some(delete_file) = &file.delete_file
                    && self.deletes.get(&delete_file.id)?.contains(hit.position)
                {
                    continue;
                }
                let row_id = file
                    .row_id_start
                    .unwrap_or(0)
                    .saturating_add_unsigned(hit.position);
                let place = Place::File {
                    file: file.id,
                    position: hit.position,
                };
                let record = Arc::clone(&hit.record);
                offer(
                    hit.id,
                    (file.begin_snapshot, row_id),
                    Located { place, record },
                );
            }
        }
        if !mutation("locate_ours_only") {
            for row in state.inlined.iter() {
                if let Some(&id) = self.places.get(row.record.id().as_str()) {
                    let place = Place::Inlined {
                        table: Arc::clone(&row.table),
                        row_id: row.row_id,
                    };
                    let record = Arc::clone(&row.record);
                    offer(
                        id,
                        (row.begin_snapshot, row.row_id),
                        Located { place, record },
                    );
                }
            }
        }
        let answer = |&place: &usize| best[place].as_ref().map(|(_, located)| located.clone());
        Some(self.asked.iter().map(answer).collect())
    }
}

/// The rows of one file that bear one of the ids; none if `may_fetch` is not set and memory does not tell.
async fn find(
    view: &ArchiveView,
    file: &DataFile,
    ids: &[Box<str>],
    may_fetch: bool,
) -> Result<Option<Vec<Hit>>> {
    if mutation("locate_ours_only") && file.tail_length.is_none() {
        return Ok(Some(Vec::new()));
    }
    let wanted: Vec<usize> = (0..ids.len())
        .filter(|&id| prune::may_hold_id(file, &ids[id]))
        .collect();
    if wanted.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let tail = if may_fetch {
        view.files.tail(file).await?
    } else {
        let Some(tail) = view.files.cached_tail(file).await else {
            return Ok(None);
        };
        tail
    };
    let mut by_group: HashMap<usize, Vec<usize>> = HashMap::new();
    for id in wanted {
        for group in prune::groups_with_id(&tail, &ids[id]) {
            by_group.entry(group).or_default().push(id);
        }
    }
    if by_group.is_empty() {
        return Ok(Some(Vec::new()));
    }
    if !may_fetch {
        return Ok(None);
    }
    let groups = by_group.into_iter().map(|(group, wanted)| {
        let tail = &tail;
        async move {
            let rows = view.files.group(file, tail, group, &view.records).await?;
            let wanted: HashMap<&str, usize> =
                wanted.into_iter().map(|id| (&*ids[id], id)).collect();
            let found = rows.find(|id| wanted.contains_key(id))?;
            let hit = |(position, record): (u64, Arc<Record>)| Hit {
                id: wanted[record.id().as_str()],
                position,
                record,
            };
            Ok::<_, crate::Error>(found.into_iter().map(hit).collect::<Vec<_>>())
        }
    });
    Ok(Some(
        try_join_all(groups).await?.into_iter().flatten().collect(),
    ))
}
