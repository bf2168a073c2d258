//! Everybody who follows a person, for services that deliver something to all of them.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::scope::{Fanout, Scope};
use shared::http::{Granted, Pass};
use shared::id::UserId;
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::revision::is_read_at;
use crate::domain::{InvalidShard, Shard};
use crate::handle::{FollowerStream, Part, RelationHandle};
use crate::store::fanout::Follower;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(followers_at_once);
}

/// Which followers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShardQuery {
    /// `i/n`: the part with the number i, from 0, of n, at most 256; everybody if left out. Who follows is in the same
    /// part for ever.
    #[param(pattern = "^[0-9]+/[0-9]+$", example = "0/4")]
    shard: Option<String>,
}

/// Of whom, and which.
type Asked = (web::Path<UserId>, web::Query<ShardQuery>);

/// A line of the stream: the first, one of a follower, or the last.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum FollowerLine {
    /// As of when everything after it is true.
    First {
        /// The newest event that is included: go on with `GET /v1/events?after=` this.
        revision: i64,
        /// The same of user-service's events: who was hidden then is left out.
        users_revision: i64,
    },
    /// One who follows, newest first.
    Row {
        user_id: UserId,
        since: Micros,
        /// Whether they asked to be notified.
        notify: bool,
    },
    /// A stream without it was cut off.
    Last {
        /// Always true.
        complete: bool,
        /// How many lines of followers there were.
        rows: usize,
    },
}

impl FollowerLine {
    fn write(&self, text: &mut Vec<u8>) -> Result<(), Problem> {
        serde_json::to_writer(&mut *text, self).map_err(|_| Problem::internal())?;
        text.push(b'\n');
        Ok(())
    }
}

impl From<&Follower> for FollowerLine {
    fn from(follower: &Follower) -> Self {
        let &Follower { user: user_id, since, notify } = follower;
        Self::Row { user_id, since, notify }
    }
}

/// Everybody who follows a person
///
/// Newline-delimited JSON, all of it as of one moment, whose revision the first line and `Mutual-Revision` state:
/// together with the events after that revision it is exactly who follows, with no gap and no overlap. Then a line for
/// each follower who is not hidden. The last line is `{"complete": true, "rows": ...}`; a stream that ends without it
/// was cut off: as when the client takes nothing for 5 seconds, after 60 seconds, when the token is revoked, or when the
/// service stops. At most 4 streams at a time; one more is 503. Scope `fanout`.
#[utoipa::path(tag = "services",
    params(("id" = UserId, Path, description = "Whose followers"), ShardQuery), security(("service" = [])),
    responses(
        (status = 200, description = "The stream", content_type = "application/x-ndjson", body = FollowerLine),
        Refusals,
    ))]
#[get("/v1/users/{id}/followers.ndjson")]
async fn followers_at_once(
    request: HttpRequest,
    granted: Granted<Fanout, Asked>,
    relations: web::Data<RelationHandle>,
) -> Result<HttpResponse, Problem> {
    let Granted { asked: (owner, query), .. } = granted;
    let shard = query.shard.as_deref().map_or(Ok(Shard::WHOLE), str::parse);
    let shard = shard.map_err(|bad: InvalidShard| Problem::malformed("invalid_query", bad.to_string()))?;
    let pass = Pass::of(&request)?;
    let followers = relations.followers_at_once(*owner, shard).await?;
    is_read_at(&request, followers.revision);
    let pieces = stream::unfold(Some((At::First, followers, pass)), |state| async move {
        let (at, followers, pass) = state?;
        match piece(at, followers, pass).await {
            Ok((text, rest)) => Some((Ok(Bytes::from(text)), rest)),
            Err(problem) => Some((Err(problem), None)),
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(pieces)))
}

/// Which lines come next.
enum At {
    First,
    Rest,
}

type Rest = Option<(At, FollowerStream, Pass)>;

/// The next lines. An error ends the answer before its end, so that no client takes it for whole.
async fn piece(at: At, mut followers: FollowerStream, pass: Pass) -> Result<(Vec<u8>, Rest), Problem> {
    let mut text = Vec::new();
    if let At::First = at {
        let FollowerStream { revision, users_revision, .. } = followers;
        FollowerLine::First { revision, users_revision }.write(&mut text)?;
        return Ok((text, Some((At::Rest, followers, pass))));
    }
    let part = followers.next().await.ok_or_else(Problem::unavailable)?;
    if !pass.still_opens(Fanout::NAME).await {
        return Err(Problem::unauthenticated("The service token is no longer valid."));
    }
    match part {
        Part::Rows(rows) => {
            for follower in &rows {
                FollowerLine::from(follower).write(&mut text)?;
            }
            Ok((text, Some((At::Rest, followers, pass))))
        }
        Part::End { rows } => {
            FollowerLine::Last { complete: true, rows }.write(&mut text)?;
            Ok((text, None))
        }
    }
}
