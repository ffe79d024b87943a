use std::collections::HashSet;

use metrics::Unit;

use super::{MetricKind, all};

#[test]
fn names_say_what_is_counted() {
    let mut names = HashSet::new();
    for metric in all() {
        let name = metric.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.starts_with("thermocline_"), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == MetricKind::Counter,
            "{name}"
        );
        let stem = name.trim_end_matches("_total");
        assert_eq!(
            stem.ends_with("_seconds"),
            metric.unit == Unit::Seconds,
            "{name}"
        );
        assert_eq!(
            stem.ends_with("_bytes"),
            metric.unit == Unit::Bytes,
            "{name}"
        );
    }
}

#[test]
fn every_metric_is_explained() {
    for metric in all() {
        assert!(
            metric.help.ends_with('.'),
            "{}: {}",
            metric.name,
            metric.help
        );
        assert!(
            !metric.help.contains("  "),
            "{}: {}",
            metric.name,
            metric.help
        );
    }
}

#[test]
fn labels_are_few_and_known() {
    let allowed = [
        "collection",
        "policy",
        "tier",
        "op",
        "outcome",
        "reason",
        "status",
        "cause",
        "step",
        "version",
    ];
    for metric in all() {
        let mut series = 1;
        for label in metric.labels {
            assert!(
                allowed.contains(&label.name),
                "{}: {}",
                metric.name,
                label.name
            );
            let is_named = matches!(label.name, "collection" | "policy");
            assert_eq!(
                label.values.is_empty(),
                is_named,
                "{}: {}",
                metric.name,
                label.name
            );
            series *= label.values.len().max(1);
        }
        assert!(
            series <= 120,
            "{} may have {series} series a policy",
            metric.name
        );
    }
}

#[test]
fn buckets_rise() {
    for metric in all() {
        assert_eq!(
            metric.buckets.is_empty(),
            metric.kind != MetricKind::Histogram,
            "{}",
            metric.name
        );
        assert!(metric.buckets.is_sorted_by(|a, b| a < b), "{}", metric.name);
    }
}
