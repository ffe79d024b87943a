//! The map: what is stored under each id, and what may be known of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use thermocline::{Op, Record, RecordId, Version, Write, Written};

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Create,
    Update,
    Upsert,
    Put,
    Delete,
}

/// Which version a write expects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expect {
    Nothing,
    Current,
    Older,
    Foreign,
}

/// One write.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: &'static str,
    pub(super) kind: Kind,
    pub(super) expect: Expect,
    pub(super) n: u32,
    /// What no other write stores.
    pub(super) mark: u32,
    pub(super) metadata: bool,
    pub(super) times: (Option<Timestamp>, Option<Timestamp>),
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pages: BTreeMap<String, Page>,
    /// The last version that each id had before the one it has.
    older: BTreeMap<String, Version>,
    /// Whether only the values of JSON are kept, and not its spelling.
    pub(super) values_alone: bool,
}

#[derive(Clone, Debug)]
struct Page {
    n: u32,
    mark: u32,
    metadata: bool,
    /// None while a batch is under way.
    version: Option<Version>,
    /// Whether it lay somewhere else when it was written; a read may still bring the version from there.
    moved: bool,
    created_at: Time,
    updated_at: Time,
}

/// What is known of a time.
#[derive(Clone, Copy, Debug)]
enum Time {
    Is(Option<Timestamp>),
    /// The clock's, and later than this.
    After(Option<Timestamp>),
}

impl Time {
    fn learn(&mut self, time: Option<Timestamp>) -> Result<(), String> {
        let right = match *self {
            Self::Is(known) => known == time,
            Self::After(last) => time.is_some() && time > last,
        };
        if !right {
            return Err(format!("the time {time:?}, expected {self:?}"));
        }
        *self = Self::Is(time);
        Ok(())
    }

    fn next(self) -> Self {
        match self {
            Self::Is(last) | Self::After(last) => Self::After(last),
        }
    }
}

impl Entry {
    fn record(&self) -> Arc<Record> {
        let record = Record::from_json(self.id, &fields(self.n, self.mark)).unwrap();
        let record = record.with_metadata_json(metadata(self.metadata).unwrap_or("{}"));
        Arc::new(record.unwrap().with_times(self.times.0, self.times.1))
    }
}

fn value(text: Option<&str>) -> Option<serde_json::Value> {
    text.map(|text| serde_json::from_str(text).unwrap())
}

fn fields(n: u32, mark: u32) -> String {
    format!(r#"{{ "n": {n}, "mark": {mark}, "text": "é" }}"#)
}

fn metadata(there: bool) -> Option<&'static str> {
    there.then_some(r#"{"m":1}"#)
}

impl Book {
    /// The write of `entry`, with the version that it expects.
    pub(super) fn write(&self, entry: &Entry, conditional: bool) -> Write {
        let op = match entry.kind {
            Kind::Create => Op::Create(entry.record()),
            Kind::Update => Op::Update(entry.record()),
            Kind::Upsert => Op::Upsert(entry.record()),
            Kind::Put => Op::Put(entry.record()),
            Kind::Delete => Op::Delete(RecordId::new(entry.id).unwrap()),
        };
        let expect = self.expected(entry).filter(|_| conditional);
        Write { op, expect }
    }

    fn expected(&self, entry: &Entry) -> Option<Version> {
        let foreign = || "other:1".parse().unwrap();
        match entry.expect {
            _ if matches!(entry.kind, Kind::Create) => None,
            Expect::Nothing => None,
            Expect::Foreign => Some(foreign()),
            Expect::Older => Some(self.older.get(entry.id).cloned().unwrap_or_else(foreign)),
            Expect::Current => {
                let current = self
                    .pages
                    .get(entry.id)
                    .and_then(|page| page.version.clone());
                Some(current.unwrap_or_else(foreign))
            }
        }
    }

    /// Does what the write does; the name of its outcome.
    ///
    /// A batch's writes were made before any of it was applied, so `Current` means the version before the batch: once
    /// the id was written it is an old one.
    pub(super) fn apply(&mut self, entry: &Entry, conditional: bool) -> &'static str {
        let there = self.pages.get(entry.id).cloned();
        let expects = conditional
            && !matches!(
                (entry.kind, entry.expect),
                (Kind::Create, _) | (_, Expect::Nothing)
            );
        match &there {
            None if expects => return "missing",
            Some(page) if expects => {
                let current = page.version.is_some() && matches!(entry.expect, Expect::Current);
                if !current {
                    return "changed";
                }
            }
            _ => {}
        }
        let outcome = match (entry.kind, &there) {
            (Kind::Create, Some(_)) => return "exists",
            (Kind::Update | Kind::Delete, None) => return "missing",
            (Kind::Delete, Some(_)) => "deleted",
            (_, None) => "created",
            (_, Some(_)) => "updated",
        };
        if let Some(version) = there.as_ref().and_then(|page| page.version.clone()) {
            self.older.insert(entry.id.to_owned(), version);
        }
        if matches!(entry.kind, Kind::Delete) {
            self.pages.remove(entry.id);
            return outcome;
        }
        let (created_at, updated_at) = match (entry.kind, &there) {
            (Kind::Put, _) => (Time::Is(entry.times.0), Time::Is(entry.times.1)),
            (_, None) => (Time::After(None), Time::After(None)),
            (_, Some(page)) => (page.created_at, page.updated_at.next()),
        };
        let page = Page {
            n: entry.n,
            mark: entry.mark,
            metadata: entry.metadata,
            version: None,
            moved: false,
            created_at,
            updated_at,
        };
        self.pages.insert(entry.id.to_owned(), page);
        outcome
    }

    /// Notes the versions that a batch brought, the last one of each id.
    pub(super) fn note_versions(&mut self, entries: &[Entry], written: &[Written]) {
        for (entry, written) in entries.iter().zip(written) {
            if let (Written::Created(version) | Written::Updated(version), Some(page)) =
                (written, self.pages.get_mut(entry.id))
            {
                page.version = Some(version.clone());
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.pages.clear();
    }

    /// Every record may now lie somewhere else.
    pub(super) fn moved(&mut self) {
        self.pages.values_mut().for_each(|page| page.moved = true);
    }

    /// The version that a record has since it moved.
    pub(super) fn note_move(&mut self, record: &Record) {
        if let Some(page) = self.pages.get_mut(record.id().as_str()) {
            page.version = record.version();
        }
    }

    /// Whether a record is what it must be.
    pub(super) fn check(&mut self, id: &str, record: Option<&Record>) -> Result<(), String> {
        let (page, record) = match (self.pages.get_mut(id), record) {
            (None, None) => return Ok(()),
            (Some(page), Some(record)) => (page, record),
            (page, record) => return Err(format!("`{id}` is {record:?}, expected {page:?}")),
        };
        let (text, more) = (fields(page.n, page.mark), metadata(page.metadata));
        let is_same = if self.values_alone {
            value(Some(record.fields())) == value(Some(&text))
                && value(record.metadata()) == value(more)
        } else {
            record.fields() == text && record.metadata() == more
        };
        if !is_same {
            return Err(format!(
                "`{id}` holds {} {:?}, expected {page:?}",
                record.fields(),
                record.metadata()
            ));
        }
        let in_id = |problem| format!("`{id}`: {problem}");
        page.created_at.learn(record.created_at()).map_err(in_id)?;
        page.updated_at.learn(record.updated_at()).map_err(in_id)?;
        if page.moved || page.version == record.version() {
            return Ok(());
        }
        Err(format!(
            "`{id}` has the version {:?}, expected {:?}",
            record.version(),
            page.version
        ))
    }

    /// The ids with a smaller number, the greatest number first.
    pub(super) fn ids_below(&self, below: u32, limit: Option<u64>) -> Vec<&str> {
        let pages = self.pages.iter().filter(|(_, page)| page.n < below);
        let mut pages: Vec<_> = pages.map(|(id, page)| (page.n, id.as_str())).collect();
        pages.sort_by(|one, two| two.0.cmp(&one.0).then_with(|| one.1.cmp(two.1)));
        pages.truncate(limit.map_or(usize::MAX, |limit| limit.try_into().unwrap()));
        pages.into_iter().map(|(_, id)| id).collect()
    }
}
