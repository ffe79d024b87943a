//! `export [FILE]`: every live record once.

mod parquet;

use std::fs::File;
use std::io::{self, BufWriter, Write, stdout};
use std::path::{Path as FilePath, PathBuf};

use crate::{Error, Filter, Path, Query, Record};
use clap::Args;
use futures::TryStreamExt;

use self::parquet::ParquetWriter;
use super::context::{Context, Output};
use super::exit::{Exit, Failure};
use super::people::{counted, duration};
use super::progress::{Progress, Unit};
use super::record::{csv_head, csv_row};
use super::search::split_paths;

/// Writes every live record once, whichever tier holds it, as of one moment
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  thermocline export flights.ndjson
  thermocline export flights.parquet
  thermocline export --output csv --fields carrier,dest,dep_delay delays.csv
  thermocline export --where \"dest = 'SFO'\" | gzip > sfo.ndjson.gz

The form goes by --output, else by the file's extension (.ndjson .jsonl .csv .parquet .pq), else NDJSON. \
`thermocline import` reads each form back without loss, CSV with --fields excepted. \
The file appears under its name when it is complete.")]
pub(super) struct Export {
    /// The file; standard output without it
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only records that match
    #[arg(long = "where", value_name = "FILTER", default_value = "")]
    filter: String,

    /// CSV only: these fields as columns, instead of all in one column of JSON
    #[arg(long, value_name = "a,b")]
    fields: Option<String>,
}

impl Export {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let output = self.form(context.options.output)?;
        let fields = self.columns(output)?;
        let query = Query::from(self.filter.parse::<Filter>()?);
        let collection = context.open().await?;

        let target = Target::open(self.file.as_deref())?;
        let mut writer = Writer::new(output, fields, target.out)?;
        let mut progress = Progress::new("export", Unit::Records, None);
        let mut records = crate::Database::search(&collection, query).await?;
        let mut written = 0;
        while let Some(record) = records.try_next().await? {
            writer.write(&record)?;
            written += 1;
            if written % 1_000 == 0 {
                progress.set(written);
            }
        }
        writer.finish()?;
        if let Some((temporary, file)) = target.rename {
            temporary
                .persist(&file)
                .map_err(|error| super::init::unwritable(&file, error.error))?;
        }
        let took = progress.finish();
        eprintln!(
            "exported {} in {}",
            counted(written, "record"),
            duration(took)
        );
        Ok(Exit::Done)
    }

    fn form(&self, asked: Option<Output>) -> Result<Output, Failure> {
        let by_name = || {
            let extension = self.file.as_deref().and_then(FilePath::extension)?;
            match extension.to_str()? {
                "csv" => Some(Output::Csv),
                "parquet" | "pq" => Some(Output::Parquet),
                _ => None,
            }
        };
        match asked.or_else(by_name) {
            Some(form @ (Output::Ndjson | Output::Csv | Output::Parquet)) => Ok(form),
            None => Ok(Output::Ndjson),
            Some(Output::Json | Output::Table | Output::Markdown) => {
                Err(Error::invalid("`export` writes ndjson, csv or parquet")
                    .with("output", "json or table")
                    .into())
            }
        }
    }

    fn columns(&self, output: Output) -> Result<Vec<Path>, Failure> {
        let Some(fields) = &self.fields else {
            return Ok(Vec::new());
        };
        if output != Output::Csv {
            return Err(
                Error::invalid("--fields is for CSV; other forms hold the whole record")
                    .with("fields", fields)
                    .into(),
            );
        }
        let paths = split_paths(fields)
            .into_iter()
            .map(|path| path.trim().parse());
        Ok(paths.collect::<crate::Result<_>>()?)
    }
}

/// Where the bytes go: standard output, or a file that gets its name when it is complete.
struct Target {
    out: Box<dyn Write + Send>,
    rename: Option<(tempfile::TempPath, PathBuf)>,
}

impl Target {
    fn open(file: Option<&FilePath>) -> Result<Self, Failure> {
        let Some(file) = file.filter(|file| *file != FilePath::new("-")) else {
            return Ok(Self {
                out: Box::new(BufWriter::with_capacity(1 << 16, stdout())),
                rename: None,
            });
        };
        let unwritable = |error| super::init::unwritable(file, error);
        let folder = match file.parent() {
            Some(folder) if folder != FilePath::new("") => folder,
            _ => FilePath::new("."),
        };
        let temporary = tempfile::Builder::new()
            .prefix(".export-")
            .tempfile_in(folder)
            .map_err(unwritable)?;
        let (out, temporary): (File, _) = temporary.into_parts();
        Ok(Self {
            out: Box::new(BufWriter::with_capacity(1 << 16, out)),
            rename: Some((temporary, file.to_owned())),
        })
    }
}

enum Writer {
    Lines(Box<dyn Write + Send>),
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>, Vec<Path>),
    Parquet(Box<ParquetWriter>),
}

impl Writer {
    fn new(output: Output, fields: Vec<Path>, out: Box<dyn Write + Send>) -> Result<Self, Failure> {
        Ok(match output {
            Output::Csv => {
                let mut rows = csv::Writer::from_writer(out);
                rows.write_record(csv_head(&fields, false))
                    .map_err(io::Error::from)?;
                Self::Csv(Box::new(rows), fields)
            }
            Output::Parquet => Self::Parquet(Box::new(ParquetWriter::new(out)?)),
            _ => Self::Lines(out),
        })
    }

    fn write(&mut self, record: &Record) -> Result<(), Failure> {
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(rows, fields) => rows
                .write_record(csv_row(record, fields, None))
                .map_err(io::Error::from)?,
            Self::Parquet(writer) => writer.write(record)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Lines(mut out) => out.flush()?,
            Self::Csv(mut rows, _) => rows.flush()?,
            Self::Parquet(writer) => writer.finish()?,
        }
        Ok(())
    }
}
