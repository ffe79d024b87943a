//! `import FILE`: records from a file.

mod csv;
mod lines;
mod parquet;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Database, Error, Op, Record, Result, Write, Written};
use clap::Args;
use tokio::sync::mpsc;

use super::context::{Context, Output};
use super::exit::{Exit, Failure};
use super::people::{counted, duration};
use super::progress::{Progress, Unit};

/// What is written at once.
const ROWS: usize = 2_000;
const BYTES: usize = 16 << 20;

/// So many bad records are named; after so many the file is taken for the wrong one.
const NAMED: u64 = 20;
const TOO_MANY: u64 = 1_000;

/// Writes the records of a file, new or in place of the old ones
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline import flights.ndjson
  thermocline import orders.csv --id order_no
  zcat old.ndjson.gz | thermocline import -

NDJSON: one object a line, {\"id\": .., \"fields\": {..}, \"metadata\": {..}, \"created_at\": .., \"updated_at\": ..}, of which \
id and fields are needed; or the fields alone, --id naming the one that is the id. CSV: the columns of `export`, or a \
column a field: what reads as a number, true or false is one, an empty cell is left out. Parquet: the same.

Records keep the times that they bring; without them they are written now. A record that cannot be read is named by its \
line and left out, and the exit status is 2. Ctrl-C stops between batches; importing again is harmless.")]
pub(super) struct Import {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The field that is the id, where a record is its fields alone
    #[arg(long, value_name = "FIELD", default_value = "id")]
    id: String,
}

/// One record of a file: where it stands, and what it is or why it is none.
type Item = (u64, Result<Op>);

/// Records as they are read.
type Items = Box<dyn Iterator<Item = Item> + Send>;

/// What is written at once, and what was left out on the way.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    bad: Vec<(u64, Error)>,
    bytes: usize,
    /// How far in the file it reaches.
    reached: u64,
}

impl Import {
    pub(super) async fn run(&self, context: &Context) -> std::result::Result<Exit, Failure> {
        let form = self.form(context.options.output)?;
        let (input, total) = self.input()?;
        let reached = input.reached();
        let items = match form {
            Output::Parquet => parquet::items(input, &self.id)?,
            Output::Csv => csv::items(input, &self.id)?,
            _ => lines::items(input, &self.id),
        };
        let place = if form == Output::Parquet {
            "row"
        } else {
            "line"
        };
        let collection = context.open().await?;

        let mut batches = batches(items, reached);
        let mut progress = Progress::new("import", Unit::Bytes, total);
        let (mut written, mut bad) = (0, 0);
        loop {
            let batch = tokio::select! {
                biased;
                () = context.stop.cancelled() => {
                    progress.say("stopped: the rest was not read");
                    return Ok(told(progress, written, bad, Exit::Interrupted));
                }
                batch = batches.recv() => batch,
            };
            let Some(batch) = batch else {
                break;
            };
            for (at, error) in &batch.bad {
                bad += 1;
                if bad <= NAMED {
                    progress.say(&format!("left out: {place} {at}: {error}"));
                }
            }
            if bad >= TOO_MANY {
                progress.say("too many records cannot be read: is it the right file?");
                return Ok(told(progress, written, bad, Exit::Wrong));
            }
            let count = batch.writes.len() as u64;
            for outcome in collection.write(batch.writes).await? {
                if let Written::Failed(error) = outcome {
                    return Err(error.into());
                }
            }
            written += count;
            progress.set(batch.reached);
        }
        let exit = if bad > 0 { Exit::Wrong } else { Exit::Done };
        Ok(told(progress, written, bad, exit))
    }

    fn form(&self, asked: Option<Output>) -> Result<Output> {
        let extension = self
            .file
            .extension()
            .and_then(|extension| extension.to_str());
        match (asked, extension) {
            (Some(form @ (Output::Ndjson | Output::Csv | Output::Parquet)), _) => Ok(form),
            (Some(_), _) => Err(Error::invalid("`import` reads ndjson, csv and parquet")),
            (None, Some("csv")) => Ok(Output::Csv),
            (None, Some("parquet" | "pq")) => Ok(Output::Parquet),
            (None, Some("gz" | "zst" | "bz2" | "xz")) => Err(Error::invalid(
                "unpack it on the way: zcat FILE | thermocline import -",
            )
            .with("file", self.file.display())),
            (None, _) => Ok(Output::Ndjson),
        }
    }

    fn input(&self) -> Result<(Input, Option<u64>)> {
        if self.file.as_os_str() == "-" {
            return Ok((Input::new(Source::Stdin(io::stdin())), None));
        }
        let unreadable = |error| {
            Error::invalid("cannot read the file")
                .with("file", self.file.display())
                .with_source(error)
        };
        let file = File::open(&self.file).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        Ok((Input::new(Source::File(file)), Some(size)))
    }
}

fn told(progress: Progress, written: u64, bad: u64, exit: Exit) -> Exit {
    let took = progress.finish();
    eprintln!(
        "imported {} in {}",
        counted(written, "record"),
        duration(took)
    );
    if bad > 0 {
        eprintln!("{} left out", counted(bad, "record"));
    }
    exit
}

/// Reads in a thread of its own, two batches ahead.
fn batches(items: Items, reached: Arc<AtomicU64>) -> mpsc::Receiver<Batch> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let mut batch = Batch::default();
        for (at, item) in items {
            match item {
                Ok(op) => {
                    batch.bytes += op.record().map_or(0, |record| record.bytes());
                    batch.writes.push(op.into());
                }
                Err(error) => batch.bad.push((at, error)),
            }
            if batch.writes.len() + batch.bad.len() >= ROWS || batch.bytes >= BYTES {
                batch.reached = reached.load(Ordering::Relaxed);
                if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return;
                }
            }
        }
        batch.reached = reached.load(Ordering::Relaxed);
        drop(sender.blocking_send(batch));
    });
    receiver
}

/// How a record without times and one with them is written.
fn op(record: Record) -> Op {
    let record = Arc::new(record);
    if record.created_at().is_some() || record.updated_at().is_some() {
        Op::Put(record)
    } else {
        Op::Upsert(record)
    }
}

/// A file or standard input that counts what was read of it.
struct Input {
    source: Source,
    reached: Arc<AtomicU64>,
}

enum Source {
    File(File),
    Stdin(io::Stdin),
    Nothing,
}

impl Input {
    fn new(source: Source) -> Self {
        Self {
            source,
            reached: Arc::default(),
        }
    }

    /// An input behind whose end nothing comes.
    fn ended() -> Self {
        Self::new(Source::Nothing)
    }

    fn reached(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reached)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.source {
            Source::File(file) => file.read(buffer),
            Source::Stdin(stdin) => stdin.read(buffer),
            Source::Nothing => Ok(0),
        }?;
        self.reached.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
