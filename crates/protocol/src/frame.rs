//! What a message looks like: one JSON text per frame, its `type`, and either a signed body or plain data.
//!
//! ```json
//! {"type":"DEPLOY","signed":{"keyId":"sha256:…","payload":"…","signature":"…"}}
//! {"type":"LOG_STREAM","data":{"source":{…},"lines":[…],"dropped":0}}
//! ```
//!
//! The outer `type` is an untrusted hint: it says under which label the signature has to hold. The delegation of the
//! key that signs commands is known from the handshake and not repeated.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::dsse::Signed;
use crate::enrol::{Pending, Register};
use crate::handshake::{Closing, Connect};
use crate::kind::Kind;
use crate::report::{DetectedPorts, LogStream, StatusUpdate, Stored, SystemLog};
use crate::server::ConsoleOutput;

/// Bytes of a frame at the most: 64 KiB.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// Why a text is no frame, or a value cannot become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More bytes than a frame may have.
    #[error("the {what} has {got} bytes, {max} are allowed")]
    TooLarge {
        /// `frame`, or the type of the message that was to be written.
        what: &'static str,
        /// Bytes found.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// No JSON object, an unknown or repeated field, or bytes after the end.
    #[error("the frame is malformed: {0}")]
    Malformed(String),
    /// A type this version does not know. Cut to 40 characters, control characters escaped.
    #[error("`{0}` is no type of frame that this version knows")]
    UnknownType(String),
    /// A certificate, which travels inside other messages only.
    #[error("{0} is never a frame of its own")]
    NotAFrame(Kind),
    /// A signed kind without its signature.
    #[error("{0} has to be signed, and this one is not")]
    Unsigned(Kind),
    /// A plain kind in a signed envelope, or both at once.
    #[error("{0} carries plain data, not a signed body")]
    NotPlain(Kind),
    /// The data does not fit the type.
    #[error("the data of {kind} is malformed: {why}")]
    Data {
        /// The outer type.
        kind: Kind,
        /// What does not fit.
        why: String,
    },
}

macro_rules! frames {
    (signed { $($(#[$sdoc:meta])* $signed:ident,)* } plain { $($(#[$pdoc:meta])* $plain:ident($data:ty),)* }) => {
        /// Every message between control plane and agent. Signed ones hold the exact bytes: nothing of them has been
        /// believed yet.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Frame {
            $($(#[$sdoc])* $signed(Signed),)*
            $($(#[$pdoc])* $plain($data),)*
        }

        impl Frame {
            /// The outer type.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$signed(_) => Kind::$signed,)*
                    $(Self::$plain(_) => Kind::$plain,)*
                }
            }

            /// Kind and envelope of a signed message, `None` for a plain one.
            pub const fn signed(&self) -> Option<(Kind, &Signed)> {
                match self {
                    $(Self::$signed(signed) => Some((Kind::$signed, signed)),)*
                    $(Self::$plain(_) => None,)*
                }
            }

            /// The frame that carries a signed message; `None` where `kind` is plain or no frame.
            pub fn of_signed(kind: Kind, signed: Signed) -> Option<Self> {
                match kind {
                    $(Kind::$signed => Some(Self::$signed(signed)),)*
                    $(Kind::$plain => None,)*
                    Kind::Delegation => None,
                }
            }

            fn from_parts(kind: Kind, signed: Option<Signed>, data: Option<&RawValue>) -> Result<Self, FrameError> {
                match kind {
                    $(Kind::$signed => only_signed(kind, signed, data).map(Self::$signed),)*
                    $(Kind::$plain => only_data(kind, signed, data).map(Self::$plain),)*
                    Kind::Delegation => Err(FrameError::NotAFrame(kind)),
                }
            }

            fn to_text(&self) -> String {
                match self {
                    $(Self::$signed(signed) => text(&Outgoing { kind: self.kind(), signed: Some(signed), data: None::<()> }),)*
                    $(Self::$plain(data) => text(&Outgoing { kind: self.kind(), signed: None, data: Some(data) }),)*
                }
            }
        }
    };
}

frames! {
    signed {
        /// The control plane proves itself: [`crate::handshake::Challenge`].
        Challenge,
        /// The connection is open: [`crate::handshake::Authorized`].
        Authorized,
        /// The node exists now: [`crate::enrol::Registered`].
        Registered,
        /// [`crate::Command`] with [`crate::Order::Deploy`].
        Deploy,
        /// [`crate::Command`] with [`crate::Order::AppAction`].
        AppAction,
        /// [`crate::Command`] with [`crate::Order::ProvisionDomain`].
        ProvisionDomain,
        /// [`crate::Command`] with [`crate::Order::DeleteProxy`].
        DeleteProxy,
        /// [`crate::Command`] with [`crate::Order::Patch`].
        Patch,
        /// [`crate::Command`] with [`crate::Order::ServiceAction`].
        ServiceAction,
        /// [`crate::Command`] with [`crate::Order::Schedule`].
        Schedule,
        /// [`crate::Command`] with [`crate::Order::ServerAction`].
        ServerAction,
        /// [`crate::Command`] with [`crate::Order::FileAction`].
        FileAction,
        /// [`crate::Command`] with [`crate::Order::Query`].
        Query,
        /// [`crate::Command`] with [`crate::Order::Cancel`].
        Cancel,
        /// [`crate::Command`] with [`crate::Order::Void`].
        Void,
        /// [`crate::Command`] with [`crate::Order::DesiredState`].
        DesiredState,
        /// The head of an audit chain: [`crate::Witness`]. Only where both sides speak version
        /// [`crate::handshake::WITNESS_SINCE`].
        Witness,
        /// The node proves itself: [`crate::handshake::Response`].
        Response,
        /// [`crate::outcome::Accepted`].
        Ack,
        /// [`crate::Outcome`].
        Result,
        /// [`crate::query::Answer`].
        Answer,
    }
    plain {
        /// First word of a known node.
        Connect(Connect),
        /// First word of a new node.
        Register(Register),
        /// Enrolment waits for a person.
        Pending(Pending),
        /// Something the agent sent is stored.
        Stored(Stored),
        /// The connection ends, and why.
        Closing(Closing),
        /// One thing that happened on the node.
        StatusUpdate(StatusUpdate),
        /// Lines of a log.
        LogStream(LogStream),
        /// What a watched server says.
        ConsoleOutput(ConsoleOutput),
        /// Ports an app listens on.
        DetectedPorts(DetectedPorts),
        /// One sample of the node and its apps.
        SystemLog(SystemLog),
    }
}

impl Frame {
    /// Reads one text frame, strictly: a known type, exactly the envelope that type has, no unknown or repeated field,
    /// nothing after the end.
    ///
    /// # Errors
    /// [`FrameError`]. Size is checked before anything is read.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        if text.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge { what: "frame", got: text.len(), max: MAX_FRAME_BYTES });
        }
        // serde reads a struct from a JSON array too; a frame is an object.
        if !text.starts_with('{') {
            return Err(FrameError::Malformed("a frame begins with `{`".to_owned()));
        }
        let incoming: Incoming<'_> =
            serde_json::from_str(text).map_err(|error| FrameError::Malformed(error.to_string()))?;
        let unknown = || FrameError::UnknownType(incoming.kind.escape_debug().take(40).collect());
        let kind = Kind::ALL.iter().find(|kind| kind.wire() == incoming.kind).ok_or_else(unknown)?;
        Self::from_parts(*kind, incoming.signed, incoming.data)
    }

    /// Writes the frame. Both sides of a handshake hash exactly this text, so it is written once and kept.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`]: the sender has to split what it sends (log lines, samples).
    pub fn write(&self) -> Result<String, FrameError> {
        let text = self.to_text();
        if text.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge { what: self.kind().wire(), got: text.len(), max: MAX_FRAME_BYTES });
        }
        Ok(text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming<'a> {
    // A text, not a `Kind`: serde would read `{"STORED":null}` as one, and an unknown type has its own error.
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "present")]
    signed: Option<Signed>,
    #[serde(default, borrow, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// A field that may be missing but not `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<&'a Signed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

fn text<T: Serialize>(outgoing: &Outgoing<'_, T>) -> String {
    serde_json::to_string(outgoing).expect("frames are structs of strings, numbers and lists: always representable")
}

fn only_signed(kind: Kind, signed: Option<Signed>, data: Option<&RawValue>) -> Result<Signed, FrameError> {
    match (signed, data) {
        (Some(signed), None) => Ok(signed),
        (None, _) => Err(FrameError::Unsigned(kind)),
        (Some(_), Some(_)) => Err(FrameError::Malformed(format!("{kind} has both `signed` and `data`"))),
    }
}

fn only_data<T: DeserializeOwned>(
    kind: Kind,
    signed: Option<Signed>,
    data: Option<&RawValue>,
) -> Result<T, FrameError> {
    match (signed, data) {
        (None, Some(data)) => {
            serde_json::from_str(data.get()).map_err(|error| FrameError::Data { kind, why: error.to_string() })
        }
        (None, None) => Err(FrameError::Malformed(format!("{kind} has no `data`"))),
        (Some(_), _) => Err(FrameError::NotPlain(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;

    fn signed() -> Signed {
        Signed::seal(Kind::Deploy, &"body", &SecretKey::from_seed(&[1; 32]))
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        for frame in [Frame::Deploy(signed()), Frame::Stored(Stored { events: u64::MAX, ..Stored::default() })] {
            let text = frame.write().unwrap();
            assert_eq!(Frame::parse(&text), Ok(frame), "{text}");
        }
    }

    #[test]
    fn only_the_envelope_of_the_type_is_read() {
        let signed = serde_json::to_string(&signed()).unwrap();
        let check = |text: &str, expected: FrameError| assert_eq!(Frame::parse(text), Err(expected), "{text}");
        check(&format!(r#"{{"type":"STORED","signed":{signed}}}"#), FrameError::NotPlain(Kind::Stored));
        check(&format!(r#"{{"type":"STORED","signed":{signed},"data":{{}}}}"#), FrameError::NotPlain(Kind::Stored));
        check(r#"{"type":"DEPLOY","data":{}}"#, FrameError::Unsigned(Kind::Deploy));
        check(r#"{"type":"DEPLOY"}"#, FrameError::Unsigned(Kind::Deploy));
        check(&format!(r#"{{"type":"DELEGATION","signed":{signed}}}"#), FrameError::NotAFrame(Kind::Delegation));
        check(r#"{"type":"DEPLOY_ALL","data":{}}"#, FrameError::UnknownType("DEPLOY_ALL".to_owned()));
        for bad in [
            "",
            "{}",
            "null",
            " {\"type\":\"STORED\",\"data\":{}}",
            r#"["STORED",null,{}]"#,
            r#"{"type":"STORED"}"#,
            r#"{"type":"STORED","data":null}"#,
            r#"{"type":"STORED","signed":null,"data":{}}"#,
            r#"{"type":"STORED","data":{},"data":{}}"#,
            r#"{"type":"STORED","type":"STORED","data":{}}"#,
            r#"{"type":"STORED","data":{},"more":1}"#,
            r#"{"type":"STORED","data":{"more":1}}"#,
            r#"{"type":"STORED","data":{"events":"1","events":"1"}}"#,
            r#"{"type":"STORED","data":{}}{}"#,
            r#"{"type":"stored","data":{}}"#,
            r#"{"type":{"STORED":null},"data":{}}"#,
        ] {
            assert!(Frame::parse(bad).is_err(), "{bad}");
        }
        check(
            &format!(r#"{{"type":"DEPLOY","signed":{signed},"data":{{}}}}"#),
            FrameError::Malformed("DEPLOY has both `signed` and `data`".to_owned()),
        );
    }

    #[test]
    fn size_is_checked_both_ways() {
        assert!(matches!(Frame::parse(&"{".repeat(MAX_FRAME_BYTES + 1)), Err(FrameError::TooLarge { .. })));
        let body = vec![0; crate::wire::MAX_BODY_BYTES];
        let largest = Frame::Deploy(Signed::seal_bytes(Kind::Deploy, body, &SecretKey::from_seed(&[1; 32])));
        assert_eq!(Frame::parse(&largest.write().unwrap()), Ok(largest), "the largest body fits into a frame");
        let beyond = Signed::seal_bytes(Kind::Deploy, vec![0; MAX_FRAME_BYTES], &SecretKey::from_seed(&[1; 32]));
        assert!(matches!(Frame::Deploy(beyond).write(), Err(FrameError::TooLarge { what: "DEPLOY", .. })));
    }
}
