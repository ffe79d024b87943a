//! The commands as scripts see them: exit codes, standard output, standard error.

mod bad_input;
mod export;
mod full_disk;
mod lifecycle;
mod shell;
mod stopping;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a configuration, in which commands are run.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// What a command said and how it ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// A collection `events` whose age is the field `day`, and a policy over it.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        world.file(
            "thermocline.toml",
            "policies = \"policies/\"\n[primary]\nbackend = \"sqlite\"\npath = \"records.db\"\n\
             [archive]\ndata = \"archive/\"\n[collections.events]\nage = \"day\"\n",
        );
        world.file(
            "policies/old.toml",
            "name = \"old\"\ncollection = \"events\"\nolder_than = \"90d\"\n",
        );
        world
    }

    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("THERMOCLINE_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        ended(self.command(args).output().expect("it starts"))
    }

    /// Runs a command that must succeed, for its standard output.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.err);
        ended.out
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let out = self.ok(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    pub(crate) fn fed(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input).expect("it reads");
        drop(stdin);
        ended(child.wait_with_output().expect("it ends"))
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
