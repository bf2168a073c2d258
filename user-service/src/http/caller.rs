//! From where somebody calls who is not signed in.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};
use shared::http::Network;
use shared::secret::Secret;

use crate::handle::Caller;

const DEVICE: HeaderName = HeaderName::from_static("mutual-device");

impl FromRequest for Caller {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // What cannot be read proves nothing, like no header at all.
        let device = request.headers().get(&DEVICE).and_then(|value| value.to_str().ok());
        let network = Network::of_request(request).to_string();
        ready(Ok(Self { network, device: device.map(Secret::new) }))
    }
}
