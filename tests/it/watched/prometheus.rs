//! A real Prometheus, and just enough HTTP to ask it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Running, free_port, until};

/// A Prometheus that scrapes what it was told to, every second, and judges the alerts of grafana/rules.
pub(super) struct Prometheus {
    port: u16,
    _process: Running,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes these jobs at these ports.
    pub(super) fn start(jobs: &[(&str, u16)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/rules/*.yml");
        let mut config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n",
            rules.display()
        );
        for (job, port) in jobs {
            let _ = writeln!(
                config,
                "  - {{job_name: {job}, static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]}}"
            );
        }
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let port = free_port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts");
        let process = Running(process);
        until("Prometheus is ready", || match get(port, "/-/ready") {
            Ok((200, _)) => Ok(()),
            other => Err(format!("{other:?}")),
        });
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    /// The samples that an expression has now.
    fn ask(&self, expression: &str) -> Result<Vec<Value>, String> {
        let path = format!("/api/v1/query?query={}", encoded(expression));
        let (status, body) = get(self.port, &path).map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(format!("{status}: {body}"));
        }
        let mut answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        serde_json::from_value(answer["data"]["result"].take()).map_err(|error| error.to_string())
    }

    /// Whether an expression returns a number.
    pub(super) fn has(&self, expression: &str) -> Result<bool, String> {
        let is_number = |sample: &Value| sample["value"][1].as_str().is_some_and(|v| v != "NaN");
        Ok(self.ask(expression)?.iter().any(is_number))
    }

    /// The same, as a condition that is waited for.
    pub(super) fn holds(&self, expression: &str) -> Result<(), String> {
        match self.has(expression)? {
            true => Ok(()),
            false => Err(format!("{expression} does not hold")),
        }
    }

    /// The alerts, as it has read them.
    pub(super) fn rules(&self) -> Vec<Value> {
        let (status, body) = get(self.port, "/api/v1/rules").unwrap();
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap();
        let rules = groups.iter().filter_map(|group| group["rules"].as_array());
        rules.flatten().cloned().collect()
    }
}

/// What a server on loopback answers to a GET: the status and the body.
pub(super) fn get(port: u16, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned());
    Ok((status.unwrap_or(0), body.unwrap_or_default()))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => encoded.push(byte.into()),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
