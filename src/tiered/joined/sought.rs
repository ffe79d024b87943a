//! The ids of a batch that may be archived, and what is known of them.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use crate::archive::CatalogState;
use crate::archive::{ArchiveView, Located, Lookup};
use crate::{RecordId, Result};

/// Grows with the attempts of a write: what was looked up for one serves the next.
#[derive(Debug, Default)]
pub(super) struct Sought {
    ids: Vec<RecordId>,
    known: HashSet<RecordId, RandomState>,
    lookup: Option<Lookup>,
}

impl Sought {
    /// Takes these ids in too, with what is known of them in memory. Asks nothing of the blob store.
    pub(super) async fn cover(
        &mut self,
        ids: impl Iterator<Item = &RecordId>,
        view: &ArchiveView,
    ) -> Result<()> {
        let before = self.ids.len();
        for id in ids {
            if self.known.insert(id.clone()) {
                self.ids.push(id.clone());
            }
        }
        if self.ids.len() > before {
            self.lookup = None;
        }
        self.lookup().load_cached(view).await
    }

    /// Fetches what is not known yet. Never while a lock is held.
    pub(super) async fn load(&mut self, view: &ArchiveView) -> Result<()> {
        self.lookup().load(view).await
    }

    /// The archived records among the ids, at `state`; none if that takes what is not in memory.
    pub(super) fn resolve(
        &self,
        state: &CatalogState,
    ) -> Option<HashMap<RecordId, Located, RandomState>> {
        let located = self.lookup.as_ref()?.resolve(state)?;
        let found = self.ids.iter().zip(located);
        Some(
            found
                .filter_map(|(id, located)| Some((id.clone(), located?)))
                .collect(),
        )
    }

    fn lookup(&mut self) -> &mut Lookup {
        self.lookup.get_or_insert_with(|| {
            Lookup::new(&self.ids.iter().map(RecordId::as_str).collect::<Vec<_>>())
        })
    }
}
