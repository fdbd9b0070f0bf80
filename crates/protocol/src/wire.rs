//! How values are written: base64 for bytes, decimal strings for 64-bit counters (JavaScript cannot hold them), and
//! one strict way to read JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;

/// Why signed or framed bytes were not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More bytes than this message may have.
    #[error("the message has {got} bytes, {max} are allowed")]
    TooLarge {
        /// Bytes found.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// No JSON, an unknown or repeated field, a wrong type, or bytes after the end.
    #[error("the message is malformed: {0}")]
    Malformed(String),
}

/// Bytes of a signed body at the most. Under base64 and its frame it stays below [`crate::frame::MAX_FRAME_BYTES`].
pub const MAX_BODY_BYTES: usize = 44 * 1024;

/// Reads one JSON document strictly: no bytes after it, unknown and repeated fields refused by the types themselves
/// (all of ours are `deny_unknown_fields`, and none contains a map).
///
/// # Errors
/// [`ParseError`].
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ParseError> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(ParseError::TooLarge { got: bytes.len(), max: MAX_BODY_BYTES });
    }
    serde_json::from_slice(bytes).map_err(|error| ParseError::Malformed(error.to_string()))
}

/// Writes a body. The bytes are signed and carried as they are; nobody re-serialises to verify.
pub fn write<T: serde::Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("our bodies are structs of strings, numbers and lists: always representable")
}

/// Standard base64 with padding.
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Strict standard base64: padding required, no white space.
///
/// # Errors
/// [`ParseError::Malformed`].
pub fn decode_base64(text: &str) -> Result<Vec<u8>, ParseError> {
    STANDARD.decode(text).map_err(|error| ParseError::Malformed(format!("base64: {error}")))
}

/// Bytes as a base64 string.
pub mod base64_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::encode_base64(bytes))
    }

    /// For `#[serde(with)]`; the target is any byte container of fixed or free length.
    pub fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = super::decode_base64(&text).map_err(D::Error::custom)?;
        let length = bytes.len();
        T::try_from(bytes).map_err(|_| D::Error::custom(format!("{length} bytes are not the right number")))
    }
}

/// A `u64` as a decimal string.
pub mod u64_string {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// For `#[serde(with)]`.
    pub fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    /// For `#[serde(with)]`. Only the canonical form is read: no sign, no leading zero.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let value: u64 = text.parse().map_err(|_| D::Error::custom("expected a 64-bit number as a string"))?;
        if value.to_string() == text { Ok(value) } else { Err(D::Error::custom("the number is not canonical")) }
    }
}

/// For `#[serde(deserialize_with)]` on the unit variants of tagged enums, for which serde alone ignores unknown fields
/// in spite of `deny_unknown_fields`.
///
/// # Errors
/// The deserializer's, for any field at all.
pub fn no_fields<'de, D: serde::Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoFields {}
    serde::Deserialize::deserialize(from).map(|NoFields {}| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(with = "u64_string")]
        n: u64,
        #[serde(with = "base64_bytes")]
        b: [u8; 2],
    }

    #[test]
    fn reads_its_own_writing_and_refuses_every_variant() {
        let sample = Sample { n: u64::MAX, b: [1, 2] };
        assert_eq!(parse::<Sample>(&write(&sample)), Ok(sample));
        for bad in [
            r#"{"n":"1","b":"AQI=","c":1}"#,
            r#"{"n":"1","n":"1","b":"AQI="}"#,
            r#"{"n":"1","b":"AQI="} "x""#,
            r#"{"n":"01","b":"AQI="}"#,
            r#"{"n":"+1","b":"AQI="}"#,
            r#"{"n":1,"b":"AQI="}"#,
            r#"{"n":"1","b":"AQI"}"#,
            r#"{"n":"1","b":"AQID"}"#,
            r#"{"n":"1"}"#,
            "",
        ] {
            assert!(parse::<Sample>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn oversize_is_refused_before_it_is_read() {
        assert!(matches!(parse::<Sample>(&vec![b' '; MAX_BODY_BYTES + 1]), Err(ParseError::TooLarge { .. })));
    }
}
