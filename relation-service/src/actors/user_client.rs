//! Requests to user-service.

use std::time::Duration;

use awc::Client;
use awc::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::secret::Secret;
use shared::telemetry::Trace;

/// An answer has at most this many bytes.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Where user-service is and how to prove who asks.
#[derive(Clone)]
pub struct UserService {
    /// Its URL, without a final slash.
    pub url: String,
    /// The secret that both services share.
    pub secret: Secret,
}

/// Why there is no answer.
pub(super) type Failure = String;

/// Sends the requests of one thread.
#[derive(Clone)]
pub(super) struct UserClient {
    service: UserService,
    http: Client,
    /// Of the request for whose sake it asks; nothing where it asks by itself.
    trace: Option<Trace>,
}

impl UserClient {
    /// A client that waits for no answer longer than this.
    pub(super) fn new(service: UserService, patience: Duration) -> Self {
        let http = Client::builder().timeout(patience).disable_redirects().finish();
        Self { service, http, trace: None }
    }

    /// The same, asking for the sake of a request.
    pub(super) fn on_behalf_of(&self, trace: Option<Trace>) -> Self {
        Self { trace, ..self.clone() }
    }

    /// Where user-service is.
    pub(super) fn url(&self) -> &str {
        &self.service.url
    }

    /// Asks for a path.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<T, Failure> {
        let answer = self.get_or_expired(path, patience).await?;
        answer.map_err(|_| format!("{} answers 410 Gone", path_alone(path)))
    }

    /// Asks for events, which may be no longer kept.
    pub(super) async fn get_or_expired<T: DeserializeOwned>(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<Result<T, Expired>, Failure> {
        let token = self.service.secret.as_internal_token();
        let request = self.http.get(format!("{}{path}", self.service.url)).timeout(patience);
        let request = request.bearer_auth(token.reveal());
        let headers = self.trace.iter().flat_map(Trace::headers);
        let request = headers.fold(request, awc::ClientRequest::insert_header);
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        if response.status() == StatusCode::GONE {
            return response.json().limit(ANSWER_BYTES_MAX).await.map(Err).map_err(|error| error.to_string());
        }
        if !response.status().is_success() {
            return Err(format!("{} answers {}", path_alone(path), response.status()));
        }
        response.json().limit(ANSWER_BYTES_MAX).await.map(Ok).map_err(|error| error.to_string())
    }
}

/// What user-service says of events that it no longer keeps.
#[derive(Debug, Deserialize)]
pub(super) struct Expired {
    /// The oldest that it does keep.
    pub(super) oldest: i64,
}

fn path_alone(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}
