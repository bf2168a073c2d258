//! The operator's pages, on a listener of their own: what must not be on a public address.

use std::io;
use std::net::SocketAddr;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Starts collecting, and serves `/metrics` in the text form of Prometheus.
pub fn start(address: SocketAddr) -> io::Result<Server> {
    let listener = shared::http::listen(address)?;
    let metrics = PrometheusBuilder::new().install_recorder().map_err(io::Error::other)?;
    let metrics = web::Data::new(metrics);
    let server = HttpServer::new(move || {
        App::new().app_data(metrics.clone()).route("/metrics", web::get().to(render))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

async fn render(metrics: web::Data<PrometheusHandle>) -> HttpResponse {
    metrics.run_upkeep();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}
