//! The operator's pages, on a listener of their own: what must not be on a public address.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::watch;

use crate::http::listen;
use crate::metric;
use crate::process::Stopper;

/// How often single measurements are put into their sums: until then each takes memory, whether anybody asks or not.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The running listener.
pub struct Admin {
    /// Where it listens.
    pub address: SocketAddr,
    /// For stopping it.
    pub stop: Stopper,
}

/// Starts collecting, and serves `/metrics` in the text form of Prometheus, beside whatever this thread does.
pub fn start(address: SocketAddr) -> io::Result<Admin> {
    let listener = listen(address, "--admin-listen")?;
    let address = listener.local_addr()?;
    let metrics = bounded().and_then(PrometheusBuilder::install_recorder).map_err(io::Error::other)?;
    metric::describe();
    let kept_up = metrics.clone();
    actix_web::rt::spawn(async move {
        let mut due = tokio::time::interval(UPKEEP_EVERY);
        loop {
            due.tick().await;
            kept_up.run_upkeep();
        }
    });
    let metrics = web::Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new().app_data(metrics.clone()).route("/metrics", web::get().to(render))
    });
    let server = server.workers(1).disable_signals().listen(listener)?.run();
    let stop = Stopper::new(server.handle(), watch::Sender::new(false));
    actix_web::rt::spawn(server);
    Ok(Admin { address, stop })
}

/// With buckets for each histogram.
fn bounded() -> Result<PrometheusBuilder, BuildError> {
    let bounds = |builder: PrometheusBuilder, name: &str, bounds: &[f64]| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
    };
    let builder = bounds(PrometheusBuilder::new(), metric::HTTP_SECONDS, &metric::SECONDS_BOUNDS)?;
    let builder = bounds(builder, metric::TAIL_LAG, &metric::SECONDS_BOUNDS)?;
    let builder = bounds(builder, metric::WRITER_COMMIT, &metric::SECONDS_BOUNDS)?;
    bounds(builder, metric::WRITER_BATCH, &metric::BATCH_BOUNDS)
}

async fn render(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}
