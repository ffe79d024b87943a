//! The queries that stand in the dashboard and in the alerts.

use std::path::Path;

use serde_json::Value;

/// A query, and where it stands.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) place: String,
    pub(super) query: String,
}

/// The dashboard as it is shipped.
pub(super) fn dashboard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/dashboards/thermocline.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The queries of a dashboard's panels and variables, as Grafana would ask them of everything.
pub(super) fn questions(dashboard: &Value) -> Vec<Asked> {
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            asked.push(Asked {
                place: format!("panel {}", panel["title"]),
                query: filled(target["expr"].as_str().unwrap()),
            });
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            let text = filled(variable["query"].as_str().unwrap());
            let inner = text
                .trim_start_matches("label_values(")
                .trim_end_matches(')');
            let (series, label) = inner.rsplit_once(", ").unwrap();
            asked.push(Asked {
                place: format!("variable {}", variable["name"]),
                query: format!("count by ({label}) ({series})"),
            });
        }
    }
    asked
}

fn filled(query: &str) -> String {
    query
        .replace("$__rate_interval", "30s")
        .replace("$__range", "10m")
        .replace("$job", ".+")
        .replace("$instance", ".+")
        .replace("$collection", ".+")
}

/// What an alert looks at: the left side of its comparison, since the whole is empty while all is well.
pub(super) fn alerts(rule: Value) -> Option<Asked> {
    let query = rule["query"].as_str()?;
    Some(Asked {
        place: format!("alert {}", rule["name"]),
        query: left_side(query).to_owned(),
    })
}

/// What stands before the first comparison that is in no parentheses.
fn left_side(query: &str) -> &str {
    let (mut depth, mut is_quoted) = (0, false);
    for (place, letter) in query.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '(' | '{' | '[' if !is_quoted => depth += 1,
            ')' | '}' | ']' if !is_quoted => depth -= 1,
            '<' | '>' | '=' | '!' if !is_quoted && depth == 0 => return query[..place].trim(),
            _ => {}
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use thermocline::telemetry;

    use super::*;

    const RULES: &str = include_str!("../../../grafana/rules/thermocline.yml");

    /// Every name that looks like one of our series.
    fn named(text: &str) -> BTreeSet<String> {
        let letters = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let words = text.split(letters);
        let ours = words.filter(|word| word.starts_with("thermocline_"));
        ours.map(str::to_owned).collect()
    }

    #[test]
    fn the_left_side_ends_at_the_comparison() {
        assert_eq!(left_side("a{b=\"<\"} > 1"), "a{b=\"<\"}");
        assert_eq!(
            left_side("time() - max(a > 0) > 5 unless b"),
            "time() - max(a > 0)"
        );
        assert_eq!(left_side("(a / b) < 0.5 * c and d > 1"), "(a / b)");
        assert_eq!(left_side("up{job=\"x\"} == 0"), "up{job=\"x\"}");
    }

    #[test]
    fn every_metric_is_shown_and_nothing_else_is() {
        let queries: String = questions(&dashboard())
            .into_iter()
            .map(|asked| asked.query + "\n")
            .collect();
        let shown = named(&queries);
        for metric in telemetry::all() {
            let is_shown = |name: &String| of(name, metric.name);
            assert!(shown.iter().any(is_shown), "{} is on no panel", metric.name);
        }
        for name in shown.iter().chain(&named(RULES)) {
            let is_known = telemetry::all().any(|metric| of(name, metric.name));
            assert!(is_known, "nobody emits {name}");
        }
    }

    fn of(series: &str, metric: &str) -> bool {
        let rest = series.strip_prefix(metric);
        rest.is_some_and(|rest| ["", "_bucket", "_sum", "_count"].contains(&rest))
    }

    #[test]
    fn every_panel_says_what_it_shows() {
        let dashboard = dashboard();
        assert_eq!(dashboard["editable"], false);
        let panels = dashboard["panels"].as_array().unwrap();
        let rows: Vec<_> = panels.iter().filter(|p| p["type"] == "row").collect();
        let titles: Vec<_> = rows
            .iter()
            .map(|row| row["title"].as_str().unwrap())
            .collect();
        let asked = [
            "Is it archiving?",
            "Is it keeping up?",
            "Is the cache doing its work?",
            "Is anything wrong?",
        ];
        assert_eq!(titles, asked);
        for panel in panels.iter().filter(|panel| panel["type"] != "row") {
            let title = panel["title"].as_str().unwrap();
            let about = panel["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.'), "{title}: {about}");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{title}");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(defaults["unit"].is_string(), "{title}");
            assert!(defaults["thresholds"]["steps"].is_array(), "{title}");
            for target in panel["targets"].as_array().unwrap() {
                let query = target["expr"].as_str().unwrap();
                let selectors = query.matches('{').count();
                for label in ["job=~\"$job\"", "instance=~\"$instance\""] {
                    assert_eq!(query.matches(label).count(), selectors, "{title}: {query}");
                }
            }
        }
    }

    #[test]
    fn every_alert_says_what_to_do() {
        let count = |what: &str| {
            RULES
                .lines()
                .filter(|line| line.trim().starts_with(what))
                .count()
        };
        let alerts = count("- alert: ");
        assert!(alerts >= 10);
        for what in ["severity: ", "summary: ", "description: ", "runbook: "] {
            assert_eq!(count(what), alerts, "{what}");
        }
        let cases = include_str!("../../../grafana/rules/tests/thermocline.yml");
        for line in RULES.lines() {
            if let Some(name) = line.trim().strip_prefix("- alert: ") {
                assert!(cases.contains(name), "{name} has no case");
            }
        }
    }

    #[test]
    #[ignore = "needs Python: run scripts/test"]
    fn the_dashboard_is_what_its_script_writes() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/make-dashboard");
        let python = std::env::var("THERMOCLINE_PYTHON").expect("THERMOCLINE_PYTHON");
        let ended = Command::new(python)
            .arg(script)
            .arg("--check")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
    }
}
