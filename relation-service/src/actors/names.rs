//! Asking user-service whom names lead to that nobody in the copy of user facts goes by: newcomers, and people who
//! were renamed lately.

use actix::prelude::*;
use shared::db::StoreError;
use shared::facts::{AccountStatus, NamedFactsPage};
use tokio::sync::oneshot;

use super::feed::{ANSWER_WAIT, ASKED_MAX, Reader, UserFeed};
use super::import::Told;
use super::user_client::Failure;
use crate::store::fact::KnownUser;

/// Ask user-service whom these names lead to, and write down what it knows of them.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AskNames {
    /// Names that consist of letters, digits, `_` and `.`.
    pub names: Vec<String>,
    /// Told when the answer is written.
    pub reply: oneshot::Sender<Result<Told, StoreError>>,
}

impl Handler<AskNames> for UserFeed {
    type Result = ();

    fn handle(&mut self, ask: AskNames, ctx: &mut Self::Context) {
        let reader = self.reader.clone();
        let question = async move {
            let told = reader.ask_names(&ask.names).await.map_err(StoreError::Unavailable);
            // A caller that hung up does not need its answer.
            let _ = ask.reply.send(told);
        };
        ctx.spawn(question.into_actor(self));
    }
}

impl Reader {
    async fn ask_names(&self, names: &[String]) -> Result<Told, Failure> {
        let mut told = Told::new();
        for asked in names.chunks(ASKED_MAX) {
            let path = format!("/v1/user-facts/by-username?usernames={}", asked.join(","));
            let answers = self.learn_asked(async || {
                let NamedFactsPage { items, seq } = self.users.get(&path, ANSWER_WAIT).await?;
                let (mut users, mut answers) = (Vec::new(), Told::new());
                for item in items {
                    let found = item.found.map(|found| (found.id, found.facts));
                    let visible = found.as_ref().filter(|(_, facts)| facts.status == AccountStatus::Active);
                    answers.insert(item.username, visible.map(|(id, _)| *id));
                    users.extend(found.map(|(id, facts)| KnownUser { id, seq, facts }));
                }
                Ok((users, answers))
            });
            told.extend(answers.await?);
        }
        Ok(told)
    }
}
