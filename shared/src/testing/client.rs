//! A small HTTP client for tests: real requests to a real server, answers kept whole.

use std::time::Duration;

use actix_web::http::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use awc::ClientRequest;
use serde_json::Value;

use crate::telemetry::REQUEST_ID;

/// Passwords are hashed behind everything else, which takes long on a busy machine.
const REQUEST_WAIT: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Talks to one server, as nobody or with a token.
#[derive(Clone)]
pub struct Client {
    http: awc::Client,
    base: String,
    token: Option<String>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is not that.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `code` of a problem; empty if it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// This answer, after checking that its status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let body = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{body}");
        self
    }

    /// This answer, after checking that it is the problem `code` with `status`, whole in its form.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let body = answer.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], answer.header("x-request-id"));
        answer
    }
}

/// All that an answer tells, but for when: to be compared with another's.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn told(&self) -> Told {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = self.headers.iter().filter(|(name, _)| *name != DATE);
        let mut headers: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        headers.sort();
        Told { status: self.status, headers, body: text(&self.bytes) }
    }
}

impl Client {
    /// A client without a token for the server at `base`, a URL without a final slash.
    pub fn new(base: impl Into<String>) -> Self {
        let http = awc::Client::builder().timeout(REQUEST_WAIT).disable_redirects().finish();
        Self { http, base: base.into(), token: None }
    }

    /// The same client with another token.
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same client and token for another server.
    pub fn at(&self, base: impl Into<String>) -> Self {
        Self { base: base.into(), ..self.clone() }
    }

    /// Sends a request with these headers and body, and panics only if no answer comes.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends a request; the error says why no answer came.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        // What has no body says nothing of its length, as with most clients.
        let bodiless = body.is_empty() && matches!(method, Method::GET | Method::HEAD);
        let request = self.request(method, path, headers);
        let sent = if bodiless { request.send().await } else { request.send_body(body).await };
        let mut response = sent.map_err(|error| error.to_string())?;
        let bytes = response.body().limit(ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
        Ok(Answer { status: response.status(), headers: response.headers().clone(), bytes: bytes.to_vec() })
    }

    /// Sends a request and returns the status as soon as it is known: the body may never end.
    pub async fn status(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> u16 {
        let sent = self.request(method, path, headers).send_body(body).await;
        sent.unwrap_or_else(|error| panic!("{path}: {error}")).status().as_u16()
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> ClientRequest {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            request = request.insert_header((name, HeaderValue::from_str(value).expect("a header's value")));
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// GET whose header `longer` takes it through the router, by which what it asks about is remembered; then as usual, which is
    /// answered the same.
    pub async fn get_both_ways(&self, path: &str, longer: (&str, &str)) {
        let id = REQUEST_ID;
        let same_id = (id.as_str(), "the-same");
        let get = async |headers: &[_]| self.send(Method::GET, path, headers, Vec::new()).await.told();
        let through_the_router = get(&[same_id, longer]).await;
        assert_eq!(get(&[same_id]).await, through_the_router, "{path}");
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], Vec::new()).await
    }

    /// PUT without a body.
    pub async fn put(&self, path: &str) -> Answer {
        self.send(Method::PUT, path, &[], Vec::new()).await
    }

    /// POST without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, &[], Vec::new()).await
    }

    /// Any method with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }
}
