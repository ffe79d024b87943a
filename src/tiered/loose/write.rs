//! Writes over loose tiers: what is archived is looked up first, and the two tiers are written in the safe order.

use std::sync::Arc;

use tracing::warn;

use super::{LooseTiers, pick};
use crate::tiered::batch::runs;
use crate::tiered::builder::Ids;
use crate::tiered::cold::of_archive;
use crate::write::Effect;
use crate::{Database, Error, Op, Record, RecordId, Result, Tier, Write, Written};

/// What is done about one write, under the lock of its key.
enum Step {
    /// Nothing more.
    Done(Written),
    /// The primary does it and says what came of it.
    Pass(Write),
    /// The same, after the archive lost a shadow that it may still hold behind the primary's record.
    PassDelete(RecordId, Write),
    /// Only the archive holds the record, and deletes it.
    Delete(RecordId),
    /// Only the archive holds the record: the primary gets it as it is from now on, then the archive deletes it.
    TakeBack(RecordId, Write),
}

impl LooseTiers {
    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Vec<Written>> {
        let ids: Vec<RecordId> = writes.iter().map(|write| write.id().clone()).collect();
        let _held = self.locks.hold(ids.iter().map(RecordId::as_str)).await;
        let mut written = Vec::with_capacity(writes.len());
        for run in runs(writes) {
            written.extend(self.apply_run(run).await);
        }
        match first_failure(&written) {
            Some(error) => Err(error),
            None => Ok(written),
        }
    }

    async fn apply_run(&self, writes: Vec<Write>) -> Vec<Written> {
        let count = writes.len();
        let mut steps = match self.plan(writes).await {
            Ok(steps) => steps,
            Err(error) => return vec![Written::Failed(error); count],
        };
        self.delete_first(&mut steps).await;
        self.write_primary(&mut steps).await;
        let done = |step| match step {
            Step::Done(written) => written,
            _ => Written::Failed(unanswered()),
        };
        steps.into_iter().map(done).collect()
    }

    /// Looks up what is there and decides what goes where.
    async fn plan(&self, writes: Vec<Write>) -> Result<Vec<Step>> {
        let ids: Vec<&str> = writes.iter().map(|write| write.id().as_str()).collect();
        let held = self.primary.read_many(&ids).await?;
        let asked: Vec<usize> = (0..ids.len())
            .filter(|place| held[*place].is_none() && self.may_be_archived(&writes[*place]))
            .collect();
        let answer = match asked.is_empty() {
            true => Ok(Vec::new()),
            false => self.archive.read_many(&pick(&ids, &asked)).await,
        };
        let mut archived: Vec<Result<Option<Arc<Record>>>> = vec![Ok(None); ids.len()];
        for (number, place) in asked.into_iter().enumerate() {
            archived[place] = match &answer {
                Ok(records) => Ok(records.get(number).cloned().flatten()),
                Err(error) => Err(of_archive(error.clone())),
            };
        }
        let now = self.clock.now();
        let steps = writes.into_iter().zip(archived).zip(held);
        Ok(steps
            .map(|((write, archived), held)| match (archived, held) {
                (Err(error), _) => Step::Done(Written::Failed(error)),
                (Ok(Some(archived)), _) => meet_archived(write, &archived, now),
                (Ok(None), Some(_)) if matches!(write.op, Op::Delete(_)) => {
                    Step::PassDelete(write.id().clone(), write)
                }
                (Ok(None), _) => Step::Pass(write),
            })
            .collect())
    }

    fn may_be_archived(&self, write: &Write) -> bool {
        !(self.ids == Ids::NeverReused && matches!(write.op, Op::Create(_)))
    }

    async fn delete_first(&self, steps: &mut [Step]) {
        let deletes = steps
            .iter()
            .enumerate()
            .filter_map(|(place, step)| match step {
                Step::Delete(id) | Step::PassDelete(id, _) => {
                    Some((place, Op::Delete(id.clone()).into()))
                }
                _ => None,
            });
        for (place, written) in send(&*self.archive, deletes.collect()).await {
            match written {
                Written::Failed(error) => {
                    steps[place] = Step::Done(Written::Failed(of_archive(error)));
                }
                written if matches!(steps[place], Step::Delete(_)) => {
                    steps[place] = Step::Done(written);
                }
                _ => {}
            }
        }
    }

    async fn write_primary(&self, steps: &mut [Step]) {
        let writes = steps
            .iter()
            .enumerate()
            .filter_map(|(place, step)| match step {
                Step::Pass(write) | Step::PassDelete(_, write) | Step::TakeBack(_, write) => {
                    Some((place, write.clone()))
                }
                _ => None,
            });
        let mut taken_back = Vec::new();
        for (place, written) in send(&*self.primary, writes.collect()).await {
            let written = match (written, &steps[place]) {
                (Written::Created(version) | Written::Updated(version), Step::TakeBack(id, _)) => {
                    taken_back.push((place, Op::Delete(id.clone()).into()));
                    Written::Updated(version)
                }
                (written, _) => written,
            };
            steps[place] = Step::Done(written);
        }
        for (_, written) in send(&*self.archive, taken_back).await {
            // The write stands: readers take the primary's record, and a delete of it deletes the shadow too.
            if let Written::Failed(error) = written {
                warn!(tier = %Tier::Archive, op = "delete", %error, "an archived copy stays behind its newer record");
            }
        }
    }
}

fn meet_archived(write: Write, archived: &Record, now: jiff::Timestamp) -> Step {
    let id = write.id().clone();
    match write.against(Some(archived), now) {
        Effect::Refused(refused) => Step::Done(refused),
        Effect::Remove => Step::Delete(id),
        Effect::Store { record, .. } => Step::TakeBack(id, Op::Put(Arc::new(record)).into()),
    }
}

/// Sends what is to be written, if anything; a failure of the whole is one of each.
async fn send(database: &dyn Database, batch: Vec<(usize, Write)>) -> Vec<(usize, Written)> {
    if batch.is_empty() {
        return Vec::new();
    }
    let (places, writes): (Vec<usize>, Vec<Write>) = batch.into_iter().unzip();
    let answers = match database.write(writes).await {
        Ok(answers) => answers,
        Err(error) => vec![Written::Failed(error); places.len()],
    };
    places.into_iter().zip(answers).collect()
}

/// The error of a batch of which nothing was done.
fn first_failure(written: &[Written]) -> Option<Error> {
    let mut failures = written.iter().map(|written| match written {
        Written::Failed(error) => Some(error),
        _ => None,
    });
    let first = failures.next()??;
    failures
        .all(|failure| failure.is_some())
        .then(|| first.clone())
}

fn unanswered() -> Error {
    Error::unexpected("a tier answered fewer writes than it was given")
}
