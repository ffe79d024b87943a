//! The command line: one file per command below. It is part of the library so that it is compiled once: a program of
//! its own would compile again what is asynchronous or generic in the library.

mod archive;
mod check;
mod columns;
mod completions;
mod context;
mod count;
mod delete;
mod demo;
mod exit;
mod explain;
mod export;
mod flush;
mod get;
mod import;
mod init;
mod interrupt;
mod man;
mod metrics;
mod people;
mod plan;
mod progress;
mod put;
mod record;
#[cfg(feature = "daemon")]
mod run;
mod search;
mod settings;
mod status;

use std::process::ExitCode;

use crate::Error;
use clap::{Parser, Subcommand};

use self::context::{Context, Options, Output};
use self::exit::{Exit, Failure};

/// Records in three tiers behind one database: hot in memory, primary in SQLite or PostgreSQL, archive in Parquet
#[derive(Debug, Parser)]
#[command(
    name = "thermocline",
    version,
    arg_required_else_help = true,
    after_help = "\
Start here:
  thermocline demo --dir demo          a real data set through all three tiers, in seconds
  thermocline init --dir .             a configuration of your own, with every key explained

`thermocline COMMAND --help` shows examples. Exit status: 0 done, 1 failed, 2 wrong use or configuration, \
3 no such record, 130 interrupted. Messages go to standard error, answers to standard output."
)]
struct Arguments {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Run),
    Init(init::Init),
    Check(check::Check),
    Plan(plan::Plan),
    Archive(archive::Archive),
    #[cfg(feature = "daemon")]
    Run(run::Run),
    Get(get::Get),
    Put(put::Put),
    Delete(delete::Delete),
    Search(search::Search),
    Count(count::Count),
    Import(import::Import),
    Export(export::Export),
    Status(status::Status),
    Explain(explain::Explain),
    Flush(flush::Flush),
    Config(settings::Settings),
    Completions(completions::Completions),
    Man(man::Man),
    Metrics(metrics::Metrics),
}

impl Command {
    async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        if context.options.output == Some(Output::Markdown) && !matches!(self, Self::Metrics(_)) {
            return Err(Error::invalid("only `metrics` writes Markdown")
                .with("output", "markdown")
                .into());
        }
        match self {
            Self::Demo(command) => command.run(context).await,
            Self::Init(command) => command.run(context).await,
            Self::Check(command) => command.run(context).await,
            Self::Plan(command) => command.run(context).await,
            Self::Archive(command) => command.run(context).await,
            #[cfg(feature = "daemon")]
            Self::Run(command) => command.run(context).await,
            Self::Get(command) => command.run(context).await,
            Self::Put(command) => command.run(context).await,
            Self::Delete(command) => command.run(context).await,
            Self::Search(command) => command.run(context).await,
            Self::Count(command) => command.run(context).await,
            Self::Import(command) => command.run(context).await,
            Self::Export(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::Explain(command) => command.run(context).await,
            Self::Flush(command) => command.run(context).await,
            Self::Config(command) => command.run(context),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
            Self::Metrics(command) => command.run(context),
        }
    }

    /// Whether Ctrl-C is left to the command, which stops between two batches; the others end at once.
    fn stops_by_itself(&self) -> bool {
        #[cfg(feature = "daemon")]
        if matches!(self, Self::Run(_)) {
            return true;
        }
        matches!(self, Self::Archive(_) | Self::Demo(_) | Self::Import(_))
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start threads: {error}");
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(run(arguments));
    // What still runs in the background (a connection that is being closed) must not hold the prompt.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    exit.into()
}

async fn run(arguments: Arguments) -> Exit {
    let context = Context::new(arguments.options, interrupt::token());
    let ended = if arguments.command.stops_by_itself() {
        arguments.command.run(&context).await
    } else {
        tokio::select! {
            ended = arguments.command.run(&context) => ended,
            () = context.stop.cancelled() => Ok(Exit::Interrupted),
        }
    };
    context.close().await;
    ended.unwrap_or_else(|failure| {
        if !matches!(failure, Failure::Unread) {
            eprintln!("{failure}");
        }
        failure.exit()
    })
}
