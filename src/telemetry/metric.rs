//! One metric: what it is called, what it means, and how its handles are made.

use metrics::{Counter, Gauge, Histogram, Key, Level, Metadata, Recorder, Unit};

use super::label::Label;

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It spreads values over buckets.
    Histogram,
}

impl MetricKind {
    /// The kind's name in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric as the reference describes it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// Its name: `thermocline_<noun>_<unit>`, and `_total` behind that of a counter.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// What is counted.
    pub unit: Unit,
    /// What it means, in a sentence or two.
    pub help: &'static str,
    /// What tells its series apart.
    pub labels: &'static [Label],
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
}

impl Metric {
    pub(super) const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::of(name, MetricKind::Counter, unit, help)
    }

    pub(super) const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Self {
        Self::of(name, MetricKind::Gauge, unit, help)
    }

    pub(super) const fn histogram(
        name: &'static str,
        unit: Unit,
        buckets: &'static [f64],
        help: &'static str,
    ) -> Self {
        Self {
            buckets,
            ..Self::of(name, MetricKind::Histogram, unit, help)
        }
    }

    const fn of(name: &'static str, kind: MetricKind, unit: Unit, help: &'static str) -> Self {
        Self {
            name,
            kind,
            unit,
            help,
            labels: &[],
            buckets: &[],
        }
    }

    pub(super) const fn by(self, labels: &'static [Label]) -> Self {
        Self { labels, ..self }
    }

    pub(super) fn describe(&self, recorder: &dyn Recorder) {
        let (name, unit, help) = (self.name.into(), Some(self.unit), self.help.into());
        match self.kind {
            MetricKind::Counter => recorder.describe_counter(name, unit, help),
            MetricKind::Gauge => recorder.describe_gauge(name, unit, help),
            MetricKind::Histogram => recorder.describe_histogram(name, unit, help),
        }
    }

    /// The counter of these values, one for each label in their order; it shows as 0 from now on.
    pub(super) fn counter_of(&self, values: &[&str]) -> Counter {
        debug_assert_eq!(self.kind, MetricKind::Counter, "{}", self.name);
        let key = self.key(values);
        let counter = metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA));
        counter.increment(0);
        counter
    }

    /// The gauge of these values, one for each label in their order.
    pub(super) fn gauge_of(&self, values: &[&str]) -> Gauge {
        debug_assert_eq!(self.kind, MetricKind::Gauge, "{}", self.name);
        let key = self.key(values);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }

    /// The histogram of these values, one for each label in their order.
    pub(super) fn histogram_of(&self, values: &[&str]) -> Histogram {
        debug_assert_eq!(self.kind, MetricKind::Histogram, "{}", self.name);
        let key = self.key(values);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }

    fn key(&self, values: &[&str]) -> Key {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        let pair = |(label, value): (&Label, &&str)| {
            debug_assert!(
                label.values.is_empty() || label.values.contains(value),
                "{}: {} is no {}",
                self.name,
                value,
                label.name
            );
            metrics::Label::new(label.name, (*value).to_owned())
        };
        let labels: Vec<_> = self.labels.iter().zip(values).map(pair).collect();
        Key::from_parts(self.name, labels)
    }
}

static METADATA: Metadata<'static> = Metadata::new("thermocline", Level::INFO, Some("thermocline"));
