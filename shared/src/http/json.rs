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
/// Bytes of a field's name with what stands around it.
const NAME_BYTES_USUAL: usize = 32;
/// Room that is made at once for a list, whatever it says of its length.
const ROOM_MAX: usize = 256 << 10;

/// What a JSON body is.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

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
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

pub(super) fn encoded(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
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
    #[inline]
    fn begin(out: &'a mut Vec<u8>, bracket: u8, length: Option<usize>) -> Self {
        out.push(bracket);
        let (rest, start) = (length.unwrap_or_default().saturating_sub(1), out.len());
        Self { out, rest, start, empty: true }
    }

    #[inline]
    fn next(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
    }

    /// Makes room for the rest, which is taken to be as long as the first.
    #[inline]
    fn make_room(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        if rest > 0 {
            let each = self.out.len() - self.start + 1;
            self.out.reserve(each.saturating_mul(rest).min(ROOM_MAX));
        }
    }

    #[inline]
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

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Other> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Other> {
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        Ok(())
    }

    #[inline]
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

    #[inline]
    fn serialize_none(self) -> Result<(), Other> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Other> {
        value.serialize(self)
    }

    #[inline]
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

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Series<'a>, Other> {
        Ok(Series::begin(self.0, b'[', length))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Series<'a>, Other> {
        Ok(Series::begin(self.0, b'{', None))
    }

    #[inline]
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

    // Where a struct is written, so that what stands around a name is put together when this is compiled.
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Other> {
        // Written in the code, where no name has a quote. All at once, since each piece asks for room.
        let mut piece = [0; NAME_BYTES_USUAL];
        let comma = usize::from(!std::mem::take(&mut self.empty));
        let (start, end) = (comma + 1, comma + 1 + name.len());
        match piece.get_mut(..end + 2) {
            Some(piece) => {
                piece[0] = b',';
                piece[comma] = b'"';
                piece[start..end].copy_from_slice(name.as_bytes());
                piece[end..].copy_from_slice(b"\":");
                self.out.extend_from_slice(piece);
            }
            None => {
                let comma = if comma == 1 { "," } else { "" };
                [comma, "\"", name, "\":"]
                    .iter()
                    .for_each(|piece| self.out.extend_from_slice(piece.as_bytes()));
            }
        }
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
#[path = "json_tests.rs"]
mod tests;
