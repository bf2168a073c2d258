//! The statements that are run on a database, as the database gets them.

use std::collections::HashMap;
use std::sync::{Mutex, Once, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::db::DatabaseUrl;

static HEARD: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);
static INSTALL: Once = Once::new();

/// Listens to every connection that is opened to a server's database from now on.
pub fn record(database: &DatabaseUrl) {
    INSTALL.call_once(|| {
        set_default_instrumentation(|| Some(Box::new(Recorder::default()))).expect("nobody panicked in it");
    });
    let DatabaseUrl::Postgres(url) = database else { unreachable!("for servers") };
    let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    heard.get_or_insert_default().entry(url.clone()).or_default();
}

/// What was run since it was asked last, without repetitions and what only begins or ends a transaction.
pub fn recorded(database: &DatabaseUrl) -> Vec<String> {
    let DatabaseUrl::Postgres(url) = database else { unreachable!("for servers") };
    let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let texts = heard.get_or_insert_default().get_mut(url).map(std::mem::take);
    let mut texts: Vec<String> = texts.expect("it is listened to");
    texts.sort_unstable();
    texts.dedup();
    texts.retain(|text| !["BEGIN", "COMMIT", "ROLLBACK", "SET "].iter().any(|word| text.starts_with(word)));
    texts
}

/// Listens to one connection.
#[derive(Default)]
struct Recorder {
    url: String,
}

impl Instrumentation for Recorder {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartEstablishConnection { url, .. } = event {
            // Without the bounds that are added to it.
            self.url = url.split('?').next().unwrap_or_default().to_owned();
        } else if let InstrumentationEvent::StartQuery { query, .. } = event {
            let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(texts) = heard.as_mut().and_then(|heard| heard.get_mut(&self.url)) {
                let whole = query.to_string();
                let text = whole.split(" -- binds:").next().unwrap_or_default();
                texts.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
}
