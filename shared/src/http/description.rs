//! What the OpenAPI descriptions of both services have in common.

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// Adds the two ways to say who calls: `user` and `service`.
pub struct Security;

impl Modify for Security {
    fn modify(&self, description: &mut OpenApi) {
        let bearer = |text: &str, format: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
            SecurityScheme::Http(scheme.description(Some(text)).build())
        };
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("user", bearer("An access token of user-service.", "JWT"));
        components.add_security_scheme("service", bearer("A service token.", "mst"));
    }
}
