//! What must hold for any bytes at all, a function a parser. The fuzz targets run the same functions.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sf_protocol::enrol::{EnrolToken, Pending, Register, Registered, UserCode};
use sf_protocol::frame::{Frame, MAX_FRAME_BYTES};
use sf_protocol::handshake::{Authorized, Challenge, Closing, Connect, Response};
use sf_protocol::outcome::Accepted;
use sf_protocol::query::Answer;
use sf_protocol::report::{DetectedPorts, LogStream, StatusUpdate, Stored, SystemLog};
use sf_protocol::sealed::{Place, Sealed};
use sf_protocol::{Command, Delegation, KeyId, Outcome, PublicKey, SecretKey, Witness, wire};
use sf_types::{AppId, SecretId, Timestamp, TypedId};

/// A text frame, with what its signed body may hold.
pub fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(frame) = Frame::parse(text) else { return };
    match frame.write() {
        Ok(written) => assert_eq!(Frame::parse(&written).as_ref(), Ok(&frame)),
        // White space is not kept, escapes are: a text of escapes may only grow where it was close to the limit.
        Err(_) => assert!(text.len() > MAX_FRAME_BYTES / 2),
    }
    if let Some((_, signed)) = frame.signed() {
        bodies(&signed.payload);
    }
}

/// Every body that is read from bytes.
pub fn bodies(bytes: &[u8]) {
    command(bytes);
    outcome(bytes);
    handshake(bytes);
    reports(bytes);
}

/// Orders and the certificate of the key that signs them.
pub fn command(bytes: &[u8]) {
    reads_back::<Command>(bytes);
    reads_back::<Delegation>(bytes);
}

/// What a node signs.
pub fn outcome(bytes: &[u8]) {
    reads_back::<Outcome>(bytes);
    reads_back::<Accepted>(bytes);
    reads_back::<Answer>(bytes);
}

/// What opens a connection or enrols a node.
pub fn handshake(bytes: &[u8]) {
    reads_back::<Connect>(bytes);
    reads_back::<Challenge>(bytes);
    reads_back::<Response>(bytes);
    reads_back::<Authorized>(bytes);
    reads_back::<Register>(bytes);
    reads_back::<Pending>(bytes);
    reads_back::<Registered>(bytes);
    reads_back::<Closing>(bytes);
}

/// What an agent reports by itself, and what it is told of it.
pub fn reports(bytes: &[u8]) {
    reads_back::<StatusUpdate>(bytes);
    reads_back::<LogStream>(bytes);
    reads_back::<DetectedPorts>(bytes);
    reads_back::<SystemLog>(bytes);
    reads_back::<Stored>(bytes);
    reads_back::<Witness>(bytes);
}

/// Keys, fingerprints, tokens, codes and sealed values: one written form each.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(key) = PublicKey::try_from(text.to_owned()) {
        assert_eq!(String::from(key), text);
    }
    if let Ok(token) = text.parse::<EnrolToken>() {
        assert_eq!(token.reveal().expose(), text);
    }
    if let Ok(code) = text.parse::<UserCode>() {
        assert_eq!(code.to_string(), text);
    }
    if let Ok(code) = UserCode::typed(text) {
        assert_eq!(UserCode::typed(&code.to_string()), Ok(code));
    }
    if let Ok(sealed) = Sealed::try_from(text.to_owned()) {
        assert_eq!(String::from(sealed.clone()), text);
        // Nobody can have sealed it for this place.
        let app = AppId::from_parts(Timestamp::EPOCH, [1; 10]);
        let place = Place { app, name: "A", secret: SecretId::from_parts(Timestamp::EPOCH, [2; 10]), version: 1 };
        assert!(sealed.open(&SecretKey::from_seed(&[3; 32]), &place).is_err());
    }
    if let Ok(decoded) = wire::decode_base64(text) {
        assert_eq!(wire::encode_base64(&decoded), text);
    }
}

fn reads_back<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(value) = wire::parse::<T>(bytes) else { return };
    let written = wire::write(&value);
    // Escapes and defaults may make the text longer than what was read.
    if written.len() <= wire::MAX_BODY_BYTES {
        assert_eq!(wire::parse::<T>(&written).as_ref(), Ok(&value));
    }
}
