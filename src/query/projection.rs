//! The branches of the fields that a query asks for.

use super::{Path, Root};
use crate::json::Entries;

/// The names to keep at one level of an object.
#[derive(Debug, Default)]
pub(super) struct Projection(Vec<(Box<str>, Branch)>);

#[derive(Debug)]
enum Branch {
    Whole,
    Part(Projection),
}

impl Projection {
    /// What `paths` name among the fields; id, metadata and times are always kept.
    pub(super) fn of(paths: &[Path]) -> Self {
        let mut projection = Self::default();
        for path in paths.iter().filter(|path| path.root() == Root::Fields) {
            projection.add(&path.names().collect::<Vec<_>>());
        }
        projection
    }

    fn add(&mut self, names: &[&str]) {
        let Some((name, rest)) = names.split_first() else {
            return;
        };
        let index = match self.0.iter().position(|(known, _)| **known == **name) {
            Some(index) => index,
            None => {
                self.0.push(((*name).into(), Branch::Part(Self::default())));
                self.0.len() - 1
            }
        };
        match &mut self.0[index].1 {
            Branch::Whole => {}
            branch if rest.is_empty() => *branch = Branch::Whole,
            Branch::Part(part) => part.add(rest),
        }
    }

    /// The text of `object` with only these branches, in its own order; `{}` if it has none.
    pub(super) fn apply(&self, object: &str) -> String {
        let mut out = String::new();
        if !self.write(object, &mut out) {
            out.push_str("{}");
        }
        out
    }

    /// Writes what is kept of `object`, if anything is.
    fn write(&self, object: &str, out: &mut String) -> bool {
        let start = out.len();
        for (key, value) in Entries::of(object) {
            let Some((_, branch)) = self.0.iter().find(|(name, _)| key.is(name)) else {
                continue;
            };
            let before = out.len();
            out.push(if before == start { '{' } else { ',' });
            out.push('"');
            out.push_str(key.raw());
            out.push_str("\":");
            let kept = match branch {
                Branch::Whole => {
                    out.push_str(value);
                    true
                }
                Branch::Part(part) => part.write(value, out),
            };
            if !kept {
                out.truncate(before);
            }
        }
        if out.len() > start {
            out.push('}');
        }
        out.len() > start
    }
}
