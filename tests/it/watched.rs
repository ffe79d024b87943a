//! What watches Thermocline, watched: the dashboard and the alerts against a real Prometheus that scrapes a real daemon
//! and a program that embeds Thermocline, both at work on one collection.

mod app;
mod prometheus;
mod written_down;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use self::app::App;
use self::prometheus::{Prometheus, get};
use self::written_down::{Asked, alerts, dashboard, questions};
use crate::cli::World;

/// How long every query has to return something. It takes some ten seconds where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(240);

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill().and_then(|()| self.0.wait().map(drop));
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Until `check` says yes; what it said last if it does not in time.
fn until(what: &str, mut check: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while let Err(problem) = check() {
        assert!(began.elapsed() < PATIENCE, "{what}: {problem}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A collection of flights with a daemon at it that archives those older than 90 days, every second.
fn daemon(world: &World, port: u16) -> Running {
    world.file(
        "thermocline.toml",
        &format!(
            "policies = \"policies/\"\n[hot]\nmax_bytes = \"16 MiB\"\n[primary]\nbackend = \"sqlite\"\npath = \"flights.db\"\n\
             [archive]\ndata = \"archive/\"\n[daemon]\nlisten = \"127.0.0.1:{port}\"\nmeasure = \"1s\"\n\
             [collections.flights]\nage = \"time_hour\"\n",
        ),
    );
    world.file(
        "policies/old.toml",
        "name = \"flights-after-90d\"\ncollection = \"flights\"\nolder_than = \"90d\"\naction = \"move\"\nevery = \"3s\"\n\
         [batch]\nrows = 500\n",
    );
    let log = std::fs::File::create(world.path().join("daemon.log")).unwrap();
    let child = world
        .command(&["run"])
        .stderr(log)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    Running(child)
}

fn said(world: &World) -> String {
    std::fs::read_to_string(world.path().join("daemon.log")).unwrap_or_default()
}

#[test]
#[ignore = "needs Prometheus (Debian: prometheus): run scripts/test"]
fn every_panel_and_every_alert_returns_data() {
    let world = World::empty();
    let port = free_port();
    let _daemon = daemon(&world, port);
    until("the daemon is ready", || match get(port, "/readyz") {
        Ok((200, _)) => Ok(()),
        other => Err(format!("{other:?}\n{}", said(&world))),
    });
    let app = App::start(world.path());
    let prometheus = Prometheus::start(&[("thermocline", port), ("app", app.port)]);

    let mut open: Vec<Asked> = questions(&dashboard());
    open.extend(prometheus.rules().into_iter().flat_map(alerts));
    assert!(open.len() > 60, "{} queries", open.len());
    until("every query returns something", || {
        open.retain(|asked| !prometheus.has(&asked.query).unwrap_or(false));
        match open.first() {
            None => Ok(()),
            Some(first) => Err(format!(
                "{} of them do not, such as that of {}: {}\n{:?}",
                open.len(),
                first.place,
                first.query,
                prometheus.has(&first.query)
            )),
        }
    });

    let backlog = r#"thermocline_backlog_rows{policy="flights-after-90d"}"#;
    let highest = format!("max_over_time({backlog}[10m]) > 0");
    until("the backlog rose", || prometheus.holds(&highest));
    app.stop_writing();
    until("the backlog is drained", || {
        prometheus.holds(&format!("{backlog} == 0"))
    });
    until("nothing is lost", || {
        prometheus.holds(&format!(
            "max(thermocline_primary_rows) + max(thermocline_archive_rows) == {}",
            app.written()
        ))
    });
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert_eq!(rule["state"], "inactive", "nothing went wrong: {rule}");
    }
}

#[test]
#[ignore = "needs promtool (Debian: prometheus): run scripts/test"]
fn alerts_fire_when_they_must_and_only_then() {
    let grafana = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    for arguments in [
        ["check", "rules", "rules/thermocline.yml"],
        ["test", "rules", "rules/tests/thermocline.yml"],
        ["check", "config", "prometheus.yml"],
    ] {
        let ended = Command::new("promtool")
            .args(arguments)
            .current_dir(&grafana)
            .output()
            .expect("promtool starts");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned()
            + &String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{arguments:?}: {said}");
    }
}
