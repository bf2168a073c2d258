//! Whether the process lives.

use actix_web::{HttpResponse, get};

/// Whether the process lives
#[utoipa::path(tag = "health", responses((status = 200, description = "It does", body = String)))]
#[get("/livez")]
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok")
}
