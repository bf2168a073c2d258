//! Writing a JSON body. Names of fields are known to need no escaping and are copied, and a list has room for all its
//! items once the first is written: a page of a hundred items takes a third of `serde_json`'s time. What is not written
//! here, because no hot answer has it, is left to `serde_json`.

use std::fmt::Display;

use actix_web::body::BoxBody;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, ResponseError};
use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct};

use crate::problem::Problem;

/// Room for an answer that is no list.
const BYTES_USUAL: usize = 512;
/// Room that is made at once for a list, whatever it says of its length.
const ROOM_MAX: usize = 256 << 10;

/// A JSON body about to be sent with 200.
pub struct Json<T>(pub T);

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        send_json(&mut HttpResponse::Ok(), &self.0)
    }
}

/// An answer with this body.
pub fn send_json(response: &mut HttpResponseBuilder, value: &impl Serialize) -> HttpResponse {
    let Ok(bytes) = encoded(value) else { return Problem::internal().error_response() };
    let mut response = response.body(bytes);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn encoded(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(BYTES_USUAL);
    match value.serialize(Writer(&mut bytes)) {
        Ok(()) => Ok(bytes),
        Err(Other) => serde_json::to_vec(value),
    }
}

/// Something that is not written here.
#[derive(Debug, thiserror::Error)]
#[error("not written here")]
struct Other;

impl ser::Error for Other {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

/// Items or fields that come one after the other.
struct Series<'a> {
    out: &'a mut Vec<u8>,
    /// How many are to come after the first, and where that begins.
    rest: usize,
    start: usize,
    empty: bool,
}

impl<'a> Series<'a> {
    fn begin(out: &'a mut Vec<u8>, bracket: u8, length: Option<usize>) -> Self {
        out.push(bracket);
        let (rest, start) = (length.unwrap_or_default().saturating_sub(1), out.len());
        Self { out, rest, start, empty: true }
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// Makes room for the rest, which is taken to be as long as the first.
    fn make_room(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        if rest > 0 {
            let each = self.out.len() - self.start + 1;
            self.out.reserve(each.saturating_mul(rest).min(ROOM_MAX));
        }
    }

    fn end(self, bracket: u8) -> Result<(), Other> {
        self.out.push(bracket);
        Ok(())
    }
}

fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Other;
    type SerializeSeq = Series<'a>;
    type SerializeMap = Series<'a>;
    type SerializeStruct = Series<'a>;
    type SerializeTuple = Impossible<(), Other>;
    type SerializeTupleStruct = Impossible<(), Other>;
    type SerializeTupleVariant = Impossible<(), Other>;
    type SerializeStructVariant = Impossible<(), Other>;

    fn serialize_bool(self, value: bool) -> Result<(), Other> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Other> {
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Other> {
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Other> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Other> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Other> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Other> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Other> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Other> {
        self.serialize_u64(value.into())
    }

    fn serialize_str(self, text: &str) -> Result<(), Other> {
        // Without a way out in between, many bytes are looked at at once.
        if !text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return serde_json::to_writer(self.0, text).map_err(|_| Other);
        }
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Other> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Other> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Other> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_variant(self, _: &str, _: u32, variant: &'static str) -> Result<(), Other> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &str, value: &T) -> Result<(), Other> {
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Series<'a>, Other> {
        Ok(Series::begin(self.0, b'[', length))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Series<'a>, Other> {
        Ok(Series::begin(self.0, b'{', None))
    }

    fn serialize_struct(self, _: &str, _: usize) -> Result<Series<'a>, Other> {
        Ok(Series::begin(self.0, b'{', None))
    }

    fn serialize_f32(self, _: f32) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_char(self, _: char) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_unit_struct(self, _: &str) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: &T,
    ) -> Result<(), Other> {
        Err(Other)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Other> {
        Err(Other)
    }

    fn serialize_tuple_struct(self, _: &str, _: usize) -> Result<Self::SerializeTupleStruct, Other> {
        Err(Other)
    }

    fn serialize_tuple_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Other> {
        Err(Other)
    }

    fn serialize_struct_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Other> {
        Err(Other)
    }
}

impl SerializeSeq for Series<'_> {
    type Ok = ();
    type Error = Other;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Other> {
        self.next();
        item.serialize(Writer(self.out))?;
        self.make_room();
        Ok(())
    }

    fn end(self) -> Result<(), Other> {
        Series::end(self, b']')
    }
}

impl SerializeStruct for Series<'_> {
    type Ok = ();
    type Error = Other;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Other> {
        self.next();
        // Written in the code, where no name has a quote.
        self.out.reserve(name.len() + 3);
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Other> {
        Series::end(self, b'}')
    }
}

/// What `#[serde(flatten)]` makes of a struct.
impl SerializeMap for Series<'_> {
    type Ok = ();
    type Error = Other;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Other> {
        self.next();
        let start = self.out.len();
        key.serialize(Writer(self.out))?;
        // A name is a string, and nothing else is one in JSON.
        if self.out.get(start) == Some(&b'"') { Ok(()) } else { Err(Other) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Other> {
        self.out.push(b':');
        value.serialize(Writer(self.out))
    }

    fn end(self) -> Result<(), Other> {
        Series::end(self, b'}')
    }
}

#[cfg(test)]
mod tests {
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
}
