//! Gauges that need a look at the state.

use super::TieredDatabase;
use crate::Result;

impl TieredDatabase {
    /// Looks at what lies where, and sets the gauges that tell it: the hot tier's entries and bytes, the archive's
    /// segments, rows, bytes and snapshot.
    ///
    /// It costs one statement where the archive has not changed. Call it now and then, such as every ten seconds; the
    /// daemon does. Everything else is counted where it happens: see [`telemetry`](crate::telemetry).
    ///
    /// # Errors
    /// `Unavailable`: the catalog's database. The hot tier's gauges are set all the same.
    pub async fn observe(&self) -> Result<()> {
        self.inner.open()?;
        if let Some(usage) = self.hot_usage() {
            self.inner.metrics.usage(usage.entries, usage.bytes);
        }
        #[cfg(feature = "archive")]
        if let Some(archive) = self.inner.cold.parquet() {
            archive.observe().await?;
        }
        Ok(())
    }
}
