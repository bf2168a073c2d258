//! What is written is what `serde_json` would write.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::clock::Micros;
use crate::id::UserId;

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    InOneWord,
}

#[derive(Serialize)]
struct Inner {
    id: UserId,
    note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<i64>,
}

#[derive(Serialize)]
struct Outer {
    items: Vec<Option<Inner>>,
    #[serde(flatten)]
    flat: Inner,
    at: Option<Micros>,
    kind: Kind,
    yes: bool,
}

fn written(value: &impl Serialize) -> Option<String> {
    let mut bytes = Vec::new();
    let done = value.serialize(Writer(&mut bytes));
    done.ok().map(|()| String::from_utf8(bytes).unwrap())
}

fn sample(text: &str, number: i64, items: usize) -> Outer {
    let inner = |left_out| Inner { id: UserId::new(number), note: text.to_owned(), left_out };
    Outer {
        items: (0..items).map(|item| (item != 1).then(|| inner(None))).collect(),
        flat: inner(Some(number)),
        at: (number != 0).then(|| Micros::new(number.abs())),
        kind: Kind::InOneWord,
        yes: number % 2 == 0,
    }
}

#[test]
fn it_is_what_serde_json_writes() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..2_000 {
        let letters = random.usize(..12);
        let text: String = (0..letters).map(|_| random.char('\0'..='\u{10FFFF}')).collect();
        let number = if round == 0 { 0 } else { random.i64(..) >> random.u32(1..63) };
        let value = sample(&text, number, random.usize(..4));
        assert_eq!(written(&value), Some(serde_json::to_string(&value).unwrap()));
    }
}

#[test]
fn whatever_needs_escaping_is_escaped() {
    for byte in 0..=127_u8 {
        let text = format!("a{}b", char::from(byte));
        assert_eq!(written(&text), Some(serde_json::to_string(&text).unwrap()));
    }
}

#[test]
fn the_rest_is_left_to_serde_json() {
    let by_number = BTreeMap::from([(1, "one")]);
    assert_eq!(written(&by_number), None);
    assert_eq!(encoded(&by_number).unwrap(), br#"{"1":"one"}"#);
    for value in [json!(1.5), json!({"a": [1.5, null]})] {
        assert_eq!(written(&value), None);
        assert_eq!(serde_json::from_slice::<Value>(&encoded(&value).unwrap()).unwrap(), value);
    }
}
