//! Acting, and saying what an act would do.

use shared::db::StoreError;
use shared::id::UserId;
use shared::writer::ANSWER_WAIT;

use super::ask::Known;
use super::{RelationError, RelationHandle};
use crate::actors::change::{Acted, Answer, Command};
use crate::domain::{Action, Note, Outcome, Refusal};

/// A person's question about an act of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Who would act.
    pub source: UserId,
    /// Towards whom.
    pub target: UserId,
    /// How.
    pub action: Action,
}

/// What an act would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// In one word.
    pub outcome: Outcome,
    /// Why not, if it would be refused.
    pub refusal: Option<Refusal>,
}

/// What became of one act of several, or why it could not be decided.
pub type Decided = Result<Explained, RelationError>;

impl RelationHandle {
    /// Has the act decided and durably written. A target who is not known yet is asked about once.
    pub async fn act(&self, source: UserId, target: UserId, action: Action) -> Result<Acted, RelationError> {
        self.submit(Command::Act { source, target, action }, target, about_unknown(action)).await
    }

    /// Keeps a private note, or clears it.
    pub async fn note(&self, source: UserId, target: UserId, note: Note) -> Result<Acted, RelationError> {
        self.submit(Command::Note { source, target, note }, target, Refusal::UserNotFound).await
    }

    async fn submit(
        &self,
        command: Command,
        target: UserId,
        unknown: Refusal,
    ) -> Result<Acted, RelationError> {
        let first = self.writer.submit_within(ANSWER_WAIT, command.clone()).await?.answer;
        if first != Answer::UnknownTarget {
            return acted(first, unknown);
        }
        self.learn(vec![target]).await?;
        acted(self.writer.submit_within(ANSWER_WAIT, command).await?.answer, unknown)
    }

    /// Accepts or rejects all requests to `user`, step by step. Returns how many.
    pub async fn answer_all(&self, user: UserId, accept: bool) -> Result<u64, RelationError> {
        let (mut total, mut after) = (0, None);
        loop {
            let step = Command::AnswerRequests { user, accept, after };
            let Answer::Requests { count, next } = self.writer.submit_within(ANSWER_WAIT, step).await?.answer
            else {
                return Ok(total);
            };
            total += u64::from(count);
            if next.is_none() {
                return Ok(total);
            }
            after = next;
        }
    }

    /// What the act would do now, by the code that does it, without doing it.
    pub async fn explain(&self, asked: Asked) -> Result<Explained, RelationError> {
        let engine = self.engine.clone();
        let now = self.clock.now();
        let decide = move |conn: &mut shared::db::Conn| {
            let answer = engine.foresee(conn, asked.source, asked.target, asked.action, now)?;
            let unknown = if answer == Answer::UnknownTarget { vec![asked.target] } else { Vec::new() };
            Ok::<_, StoreError>(Known { value: answer, unknown })
        };
        explained(acted(self.read_known(decide).await?, about_unknown(asked.action)))
    }

    /// Follows or unfollows several people at once; each is decided by itself, and it fails only if none can be.
    pub async fn act_on_many(
        &self,
        source: UserId,
        targets: &[UserId],
        action: Action,
    ) -> Result<Vec<(UserId, Decided)>, RelationError> {
        let act = async |&target| (target, explained(self.act(source, target, action).await));
        let mut done = futures_util::future::join_all(targets.iter().map(act)).await;
        // What is written is told of, also where somebody else cannot be asked about.
        if done.iter().all(|(_, decided)| decided.is_err())
            && let Some((_, Err(error))) = done.pop()
        {
            return Err(error);
        }
        Ok(done)
    }
}

fn explained(acted: Result<Acted, RelationError>) -> Decided {
    match acted {
        Ok(acted) => Ok(Explained { outcome: acted.outcome, refusal: None }),
        Err(RelationError::Refused(refusal)) => {
            Ok(Explained { outcome: Outcome::Refused, refusal: Some(refusal) })
        }
        Err(error) => Err(error),
    }
}

/// Why an act towards somebody who is not heard of, also after asking, is refused: there is no such
/// person, and so no request of theirs.
const fn about_unknown(action: Action) -> Refusal {
    if matches!(action, Action::Accept | Action::Reject) {
        Refusal::NoSuchRequest
    } else {
        Refusal::UserNotFound
    }
}

fn acted(answer: Answer, unknown: Refusal) -> Result<Acted, RelationError> {
    match answer {
        Answer::Acted(acted) => Ok(acted),
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::UnknownTarget => Err(unknown.into()),
        Answer::Answered { .. }
        | Answer::Requests { .. }
        | Answer::Import(_)
        | Answer::Noted
        | Answer::Void
        | Answer::Mended(_) => Err(Answer::stray().into()),
    }
}
