//! Objects as files in a directory.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::path::check_path;
use super::{BlobInfo, BlobStore};
use crate::fault::mutation;
use crate::{Error, Result};

/// What a file is called until it is whole. Left behind only by a crash, and listed, so that it is found.
const UNFINISHED: &str = ".unfinished-";

/// A [`BlobStore`] over a directory.
///
/// An object is written under another name, synced, and given its own name only then, so it is either whole or not there,
/// after a crash of the machine too. Processes may share the directory.
#[derive(Clone, Debug)]
pub struct DirectoryStore {
    root: Arc<Path>,
    address: Arc<str>,
}

impl DirectoryStore {
    /// Opens the directory at `path`, which may be missing: [`prepare`](BlobStore::prepare) makes it. While it is missing,
    /// every call is `Unavailable`.
    ///
    /// # Errors
    /// `Unavailable`: the path cannot be followed. `Invalid`: it is not UTF-8, so no catalog could name it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let root = followed(path)
            .map_err(|error| failed("the folder of the archive cannot be opened", path, error))?;
        let mut address = root
            .to_str()
            .ok_or_else(|| {
                Error::invalid("the path of the archive's folder is not UTF-8; choose another")
                    .with("folder", root.display())
            })?
            .to_owned();
        if !address.ends_with('/') {
            address.push('/');
        }
        Ok(Self {
            root: root.into(),
            address: address.into(),
        })
    }

    fn file(&self, path: &str) -> Result<PathBuf> {
        check_path(path)?;
        Ok(self.root.join(path))
    }

    /// Reads an object on a thread that may block; none where it is missing.
    async fn with_file<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(File, u64) -> io::Result<T> + Send + 'static,
    ) -> Result<Option<T>> {
        let file = self.file(path)?;
        let root = Arc::clone(&self.root);
        let path = path.to_owned();
        blocking(move || {
            let opened = File::open(&file).and_then(|opened| {
                let metadata = opened.metadata()?;
                if metadata.is_dir() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                Ok((opened, metadata.len()))
            });
            match opened.and_then(|(opened, size)| read(opened, size)) {
                Ok(value) => Ok(Some(value)),
                // Nothing lies below what is no folder, and a folder is no object.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    check_there(&root).map(|()| None)
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Error::corrupt(
                    "an object ends before the bytes that were asked for",
                )
                .with("object", path)
                .with_source(error)),
                Err(error) => Err(failed("an object cannot be read", &file, error)),
            }
        })
        .await
    }
}

#[async_trait]
impl BlobStore for DirectoryStore {
    async fn prepare(&self) -> Result<()> {
        let root = Arc::clone(&self.root);
        blocking(move || {
            make(&root)
                .map_err(|error| failed("the folder of the archive cannot be made", &root, error))
        })
        .await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let file = self.file(path)?;
        let root = Arc::clone(&self.root);
        blocking(move || write_new(&root, &file, &bytes)).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let ranges = ranges.to_vec();
        self.with_file(path, move |mut file, size| {
            ranges
                .into_iter()
                .map(|range| read_range(&mut file, size, range))
                .collect()
        })
        .await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        self.with_file(path, move |mut file, size| {
            read_range(&mut file, size, size.saturating_sub(length)..size)
        })
        .await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.with_file(path, |_, size| Ok(size)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let file = self.file(path)?;
        let root = Arc::clone(&self.root);
        blocking(move || match fs::remove_file(&file) {
            Ok(()) => Ok(()),
            // Nothing lies below what is no folder, and a folder is no object.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::IsADirectory
                ) =>
            {
                check_there(&root)
            }
            Err(error) => Err(failed("an object cannot be removed", &file, error)),
        })
        .await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        let root = Arc::clone(&self.root);
        let prefix = prefix.to_owned();
        stream::once(blocking(move || {
            let mut found = Vec::new();
            let folder = prefix.rfind('/').map_or("", |end| &prefix[..end]);
            if !folder.is_empty() {
                check_path(folder)?;
            }
            check_there(&root)?;
            walk(&root, folder, &prefix, &mut found).map_err(|error| {
                failed("the folder of the archive cannot be listed", &root, error)
            })?;
            Ok(stream::iter(found.into_iter().map(Ok)))
        }))
        .try_flatten()
        .boxed()
    }

    fn root(&self) -> String {
        String::from(&*self.address)
    }
}

/// Makes a folder, and what is missing above it, durably.
fn make(folder: &Path) -> io::Result<()> {
    let missing = folder.ancestors().take_while(|at| !at.exists()).count();
    fs::create_dir_all(folder)?;
    for made in folder.ancestors().take(missing) {
        made.parent().map_or(Ok(()), sync_folder)?;
    }
    Ok(())
}

/// The path of a folder without links, as far as it exists.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = std::path::absolute(path)?;
            match (path.parent(), path.file_name()) {
                (Some(folder), Some(name)) => Ok(followed(folder)?.join(name)),
                _ => Err(error),
            }
        }
        Ok(found) if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        found => found,
    }
}

/// That the folder itself is missing (not mounted, say) says nothing about its objects.
fn check_there(root: &Path) -> Result<()> {
    match root.metadata() {
        Ok(_) => Ok(()),
        Err(error) => Err(failed("the folder of the archive is gone", root, error)),
    }
}

/// Writes `file`, whole and durable, unless it is there.
fn write_new(root: &Path, file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().unwrap_or(root);
    let full = |error| failed("an object cannot be written", folder, error);
    check_there(root)?;
    fs::create_dir_all(folder).map_err(full)?;
    let mut unfinished = unfinished_in(folder).map_err(full)?;
    unfinished.write_all(bytes).map_err(full)?;
    sync(unfinished.as_file()).map_err(full)?;
    match unfinished.persist_noclobber(file) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            same_content(file, bytes)?;
        }
        Err(error) => return Err(full(error.error)),
    }
    // Every folder up to the root: another process may have made one of them and not synced it yet.
    for folder in folder.ancestors().take_while(|at| at.starts_with(root)) {
        sync_folder(folder).map_err(full)?;
    }
    Ok(())
}

/// A file without a lasting name, readable by whom the user's mask allows: foreign readers are other users.
fn unfinished_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Accepts an object that is there already, if it is the same; it is synced, since whoever wrote it may have crashed.
fn same_content(file: &Path, bytes: &[u8]) -> Result<()> {
    let read = |error| failed("an object cannot be read", file, error);
    let mut there = File::open(file).map_err(read)?;
    let mut same = there.metadata().map_err(read)?.len() == bytes.len() as u64;
    let mut buffer = vec![0; 1 << 16];
    for part in bytes.chunks(buffer.len()) {
        let there_too = &mut buffer[..part.len()];
        same = same && there.read_exact(there_too).is_ok() && there_too == part;
    }
    if same {
        return sync(&there).map_err(read);
    }
    Err(Error::conflict(
        "an object of this name with other content exists; objects never change, so move that one away",
    )
    .with("file", file.display()))
}

fn sync(file: &File) -> io::Result<()> {
    if mutation("no_fsync") {
        return Ok(());
    }
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    sync(&File::open(folder)?)
}

/// Other systems cannot open a folder as a file; their journals keep the order of names and data.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn read_range(file: &mut File, size: u64, range: Range<u64>) -> io::Result<Bytes> {
    if range.end > size {
        // Before any memory is asked for: a damaged length must not ask for all of it.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(range.start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// Collects the objects in `folder` and below whose paths begin with `prefix`.
fn walk(root: &Path, folder: &str, prefix: &str, found: &mut Vec<BlobInfo>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.is_empty() => {
            return Ok(());
        }
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A name that is not UTF-8 is none of ours.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            if path.starts_with(prefix) || prefix.starts_with(&path) {
                walk(root, &path, prefix, found)?;
            }
        } else if path.starts_with(prefix) {
            found.push(BlobInfo {
                path,
                size: metadata.len(),
                modified: Timestamp::try_from(metadata.modified()?)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
            });
        }
    }
    Ok(())
}

fn failed(message: &'static str, place: &Path, error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room there"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "allow this user to write there"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder should"
        }
        io::ErrorKind::NotFound => {
            "mount it; or, if it was moved, name its place in the configuration and run `thermocline init`"
        }
        _ => "see whether the disk is there and well",
    };
    Error::unavailable(message)
        .with("place", place.display())
        .with("problem", &error)
        .with("remedy", remedy)
        .with_source(error)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::unexpected("a thread for the disk ended").with_source(error))?
}
