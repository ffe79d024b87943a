//! A tier in memory with the test's hands on it.

use std::sync::Arc;

use thermocline::{Call, Error, ErrorKind, Fault, Faulty, Gate, MemoryDatabase};

/// A primary or an archive whose calls do what a test tells them to.
pub(crate) type Stage = Faulty<MemoryDatabase>;

pub(crate) fn stage() -> Arc<Stage> {
    Arc::new(Faulty::new(MemoryDatabase::new()))
}

/// What tests of the router tell a tier.
pub(crate) trait Directed {
    /// Whoever reads from here on waits at the gate with the records in hand.
    fn hold_reads(&self) -> Gate;

    /// Whoever writes from here on waits at the gate before anything is written.
    fn hold_writes(&self) -> Gate;

    /// Every call fails with this kind; or none any more.
    fn fail(&self, kind: impl Into<Option<ErrorKind>>);

    /// The next write goes as this fault says, and ends with an error of this kind.
    fn next_write(&self, fault: fn(Error) -> Fault, kind: ErrorKind);

    /// How many point reads there were.
    fn reads(&self) -> u64;

    /// How many batch reads there were.
    fn batches(&self) -> u64;
}

impl Directed for Stage {
    fn hold_reads(&self) -> Gate {
        let gate = Gate::new();
        for call in [Call::Read, Call::ReadMany] {
            self.script().always(call, Fault::HoldAfter(gate.clone()));
        }
        gate
    }

    fn hold_writes(&self) -> Gate {
        let gate = Gate::new();
        self.script()
            .always(Call::Write, Fault::HoldBefore(gate.clone()));
        gate
    }

    fn fail(&self, kind: impl Into<Option<ErrorKind>>) {
        let kind = kind.into();
        for call in [
            Call::Read,
            Call::ReadMany,
            Call::Write,
            Call::Search,
            Call::Count,
            Call::Clear,
            Call::Health,
        ] {
            let fault = kind.map_or(Fault::Pass, |kind| {
                Fault::Fail(Error::new(kind, "the stage is down"))
            });
            self.script().always(call, fault);
        }
    }

    fn next_write(&self, fault: fn(Error) -> Fault, kind: ErrorKind) {
        let error = Error::new(kind, "the answer got lost");
        self.script().next(Call::Write, fault(error));
    }

    fn reads(&self) -> u64 {
        self.script().count(Call::Read)
    }

    fn batches(&self) -> u64 {
        self.script().count(Call::ReadMany)
    }
}
