//! What is served: metrics, health, status, and a page for people.

use std::sync::Arc;

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::state::State;
use super::{page, readiness};

/// What the handlers answer from.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) state: Arc<State>,
    pub(super) metrics: PrometheusHandle,
    /// So many failures in a row make it not ready.
    pub(super) failures: u32,
}

/// Serves until `stop` is cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(people))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .fallback(nothing)
        .with_state(app);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn metrics(Shared(app): Shared<App>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.render())
}

/// The process lives, and its tasks get their turns.
async fn healthz() -> impl IntoResponse {
    "ok\n"
}

async fn readyz(Shared(app): Shared<App>) -> impl IntoResponse {
    let readiness = readiness::look(&app.state, app.failures).await;
    let code = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, json(&readiness))
}

async fn status(Shared(app): Shared<App>) -> impl IntoResponse {
    json(&app.state.known())
}

async fn people(Shared(app): Shared<App>) -> impl IntoResponse {
    let readiness = readiness::look(&app.state, app.failures).await;
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // Everything is in the page itself; nothing that a name in it might say is ever run.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
    ];
    let metrics = app.metrics.render();
    (
        headers,
        page::page(&app.state.known(), &readiness, &metrics),
    )
}

async fn nothing() -> impl IntoResponse {
    let known = "nothing is here; there are / /metrics /healthz /readyz /status\n";
    (StatusCode::NOT_FOUND, known)
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(mut text) => {
            text.push('\n');
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
