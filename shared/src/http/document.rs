//! A long answer, written piece by piece: one JSON object with lists of any length.

use std::future::Future;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Bytes;
use futures_util::stream;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Rows of a list that are read at a time.
pub const DOCUMENT_PAGE_ROWS: i64 = 500;

/// Some of a list, and from where it goes on; nothing at its end.
pub struct Piece {
    /// In order.
    pub items: Vec<Value>,
    /// What to load the next piece with.
    pub next: Option<i64>,
}

impl Piece {
    /// A page of rows, of which a full one may have others behind it.
    pub fn of<T>(rows: &[T], key: impl Fn(&T) -> i64, item: impl Fn(&T) -> Value) -> Self {
        let full = i64::try_from(rows.len()).is_ok_and(|count| count >= DOCUMENT_PAGE_ROWS);
        Self { items: rows.iter().map(item).collect(), next: rows.last().filter(|_| full).map(key) }
    }
}

enum At {
    Head,
    List { index: usize, after: Option<i64> },
}

/// Answers with `head`, which has at least one field, and the lists after it, each loaded a piece at a time. A failure
/// on the way ends the answer before its end: what is there is then no whole JSON.
pub fn document<F, Loading>(head: Map<String, Value>, lists: &'static [&'static str], load: F) -> HttpResponse
where
    F: Fn(&'static str, Option<i64>) -> Loading + 'static,
    Loading: Future<Output = Result<Piece, Problem>>,
{
    let pieces = stream::unfold((Some(At::Head), head, load), move |(at, head, load)| async move {
        let (text, next) = match at? {
            At::Head => {
                let text = Value::Object(head.clone()).to_string();
                let open = text.strip_suffix('}').unwrap_or(&text).to_owned();
                after_list(open, 0, lists)
            }
            At::List { index, after } => {
                let name = *lists.get(index)?;
                match load(name, after).await {
                    Ok(piece) => list(name, index, after, &piece, lists),
                    Err(problem) => return Some((Err(problem), (None, head, load))),
                }
            }
        };
        Some((Ok::<_, Problem>(Bytes::from(text)), (next, head, load)))
    });
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(pieces))
}

fn list(name: &str, index: usize, after: Option<i64>, piece: &Piece, lists: &[&str]) -> (String, Option<At>) {
    let items: Vec<String> = piece.items.iter().map(Value::to_string).collect();
    let items = items.join(",");
    let text = match after {
        None => format!(",\"{name}\":[{items}"),
        Some(_) if items.is_empty() => items,
        Some(_) => format!(",{items}"),
    };
    match piece.next {
        Some(next) => (text, Some(At::List { index, after: Some(next) })),
        None => after_list(text + "]", index + 1, lists),
    }
}

fn after_list(text: String, index: usize, lists: &[&str]) -> (String, Option<At>) {
    if index < lists.len() { (text, Some(At::List { index, after: None })) } else { (text + "}", None) }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use serde_json::json;

    use super::*;

    async fn written(lists: &'static [&'static str], rows: i64) -> Value {
        let head = Map::from_iter([("a".to_owned(), json!({"b": 1}))]);
        let load = move |name: &'static str, after: Option<i64>| async move {
            let from = after.unwrap_or(0);
            let count = if name == "none" { 0 } else { rows };
            let some: Vec<i64> = (from..count).take(500).map(|row| row + 1).collect();
            Ok(Piece::of(&some, |row| *row, |row| json!(row)))
        };
        let body = document(head, lists, load).into_body();
        serde_json::from_slice(&to_bytes(body).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn however_long_it_is_one_object() {
        assert_eq!(written(&[], 0).await, json!({"a": {"b": 1}}));
        for rows in [0, 1, 499, 500, 501, 1_000] {
            let all: Vec<i64> = (1..=rows).collect();
            let expected = json!({"a": {"b": 1}, "none": [], "some": all, "more": all});
            assert_eq!(written(&["none", "some", "more"], rows).await, expected, "{rows}");
        }
    }
}
