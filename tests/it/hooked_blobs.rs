//! A real blob store with a hook before every call: what a test needs to cut in.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use thermocline::{BlobInfo, BlobStore, DirectoryStore, Result, UnfinishedUpload};
use tokio::sync::{Notify, Semaphore};

type Answer = BoxFuture<'static, Result<()>>;

/// What is called first, with the name of the call and the path; its error is the call's.
pub(crate) type BlobHook = Arc<dyn Fn(&'static str, String) -> Answer + Send + Sync>;

/// A blob store with a hook before every call.
pub(crate) struct HookedBlobs {
    pub(crate) inner: Arc<dyn BlobStore>,
    pub(crate) hook: Mutex<Option<BlobHook>>,
}

impl fmt::Debug for HookedBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl HookedBlobs {
    pub(crate) fn over(inner: Arc<dyn BlobStore>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            hook: Mutex::new(None),
        })
    }

    pub(crate) fn set(
        &self,
        hook: impl Fn(&'static str, String) -> Answer + Send + Sync + 'static,
    ) {
        *self.hook.lock() = Some(Arc::new(hook));
    }

    /// Over a directory, which it makes.
    pub(crate) fn in_directory(folder: impl AsRef<Path>) -> Arc<Self> {
        let directory = DirectoryStore::open(folder).expect("a folder");
        Self::over(Arc::new(directory))
    }

    /// From now on each call of this name tells that it has come, and waits for a permit.
    pub(crate) fn hold(&self, name: &'static str) -> (Arc<Notify>, Arc<Semaphore>) {
        let (reached, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let (told, closed) = (Arc::clone(&reached), Arc::clone(&gate));
        self.set(move |call, _| {
            let (told, closed) = (Arc::clone(&told), Arc::clone(&closed));
            async move {
                if call == name {
                    told.notify_one();
                    let _open = closed.acquire().await;
                }
                Ok(())
            }
            .boxed()
        });
        (reached, gate)
    }

    async fn before(&self, call: &'static str, path: &str) -> Result<()> {
        let hook = self.hook.lock().clone();
        match hook {
            Some(hook) => hook(call, path.to_owned()).await,
            None => Ok(()),
        }
    }
}

#[async_trait]
impl BlobStore for HookedBlobs {
    async fn prepare(&self) -> Result<()> {
        self.inner.prepare().await
    }

    async fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.before("put", path).await?;
        self.inner.put(path, bytes).await
    }

    async fn get_ranges(&self, path: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        self.before("get", path).await?;
        self.inner.get_ranges(path, ranges).await
    }

    async fn get_suffix(&self, path: &str, length: u64) -> Result<Option<Bytes>> {
        self.before("get", path).await?;
        self.inner.get_suffix(path, length).await
    }

    async fn size(&self, path: &str) -> Result<Option<u64>> {
        self.before("size", path).await?;
        self.inner.size(path).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        self.before("delete", path).await?;
        self.inner.delete(path).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<BlobInfo>> {
        self.inner.list(prefix)
    }

    fn list_unfinished(&self, prefix: &str) -> BoxStream<'static, Result<UnfinishedUpload>> {
        self.inner.list_unfinished(prefix)
    }

    async fn take_back(&self, upload: &UnfinishedUpload) -> Result<()> {
        self.before("delete", &upload.path).await?;
        self.inner.take_back(upload).await
    }

    fn root(&self) -> String {
        self.inner.root()
    }
}
