//! The vectors that the sources publish, every byte flipped, times, rotation, limits.

use super::*;

const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
/// From the tests of the reference libraries of Standard Webhooks.
const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
/// From GitHub's "Validating webhook deliveries".
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB_BODY: &[u8] = b"Hello, World!";
const GITHUB_SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_000);

fn verifier(scheme: Scheme, secrets: &[&str]) -> Verifier {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect();
    Verifier::new(scheme, &secrets).unwrap()
}

fn verify(verifier: &Verifier, headers: &[(&str, &str)], body: &[u8], now: Timestamp) -> Result<Verified, Refusal> {
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    verifier.verify(header, body, now)
}

fn standard<'h>(id: &'h str, timestamp: &'h str, signature: &'h str) -> [(&'static str, &'h str); 3] {
    [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
}

fn github(signature: &str) -> [(&'static str, &str); 2] {
    [(GITHUB_SIGNATURE, signature), (GITHUB_DELIVERY, "72d3162e-cc78-11e3-81ab-4c9367dc0958")]
}

fn hmac(encoding: Encoding) -> Scheme {
    Scheme::HmacSha256 { header: HeaderName::parse("X-Signature").unwrap(), encoding }
}

fn token() -> Scheme {
    Scheme::Token { header: HeaderName::parse("X-Gitlab-Token").unwrap() }
}

/// Each text that differs from `text` in the lowest bit of one byte.
fn flipped(text: &str) -> Vec<String> {
    let flip = |at: usize| text.bytes().enumerate().map(|(n, byte)| char::from(byte ^ u8::from(n == at))).collect();
    (0..text.len()).map(flip).collect()
}

#[test]
fn standard_webhooks() {
    let key = Key::parse(&Scheme::Standard, &Secret::new(STANDARD_SECRET.into())).unwrap();
    assert_eq!(key.sign(MESSAGE, NOW, BODY).unwrap(), STANDARD_SIGNATURE);
    let verifier = verifier(Scheme::Standard, &[STANDARD_SECRET]);
    let good = Ok(Verified { delivery: Some(MESSAGE.into()) });
    // A replay within the tolerance is genuine, and has the same id.
    for late in [0, 1, 299_999, 300_000] {
        let headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE);
        assert_eq!(verify(&verifier, &headers, BODY, Timestamp::from_millis(NOW.as_millis() + late)), good);
        assert_eq!(verify(&verifier, &headers, BODY, Timestamp::from_millis(NOW.as_millis() - late)), good);
    }
    // Among signatures of other keys and versions, as the reference libraries test it.
    let other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
    let many = format!("{other} v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= {STANDARD_SIGNATURE} v1a,xx {other}");
    assert_eq!(verify(&verifier, &standard(MESSAGE, SENT, &many), BODY, NOW), good);
    assert_eq!(verify(&verifier, &standard(MESSAGE, SENT, other), BODY, NOW), Err(Refusal::NoSecretMatches));
}

#[test]
fn github_example() {
    let verifier = verifier(Scheme::GitHub, &[GITHUB_SECRET]);
    let delivery = Some("72d3162e-cc78-11e3-81ab-4c9367dc0958".into());
    assert_eq!(verify(&verifier, &github(GITHUB_SIGNED), GITHUB_BODY, NOW), Ok(Verified { delivery }));
}

#[test]
fn every_flipped_byte_is_refused() {
    let signed = verifier(Scheme::Standard, &[STANDARD_SECRET]);
    let hub = verifier(Scheme::GitHub, &[GITHUB_SECRET]);
    let hex = verifier(hmac(Encoding::Hex), &[GITHUB_SECRET]);
    let with_token = verifier(token(), &[GITHUB_SECRET]);
    for id in flipped(MESSAGE) {
        assert!(verify(&signed, &standard(&id, SENT, STANDARD_SIGNATURE), BODY, NOW).is_err(), "{id}");
    }
    for timestamp in flipped(SENT) {
        assert!(verify(&signed, &standard(MESSAGE, &timestamp, STANDARD_SIGNATURE), BODY, NOW).is_err(), "{timestamp}");
    }
    for signature in flipped(STANDARD_SIGNATURE) {
        assert!(verify(&signed, &standard(MESSAGE, SENT, &signature), BODY, NOW).is_err(), "{signature}");
    }
    for at in 0..BODY.len() {
        let mut body = BODY.to_vec();
        body[at] ^= 1;
        let headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE);
        assert_eq!(verify(&signed, &headers, &body, NOW), Err(Refusal::NoSecretMatches), "{at}");
    }
    for signature in flipped(GITHUB_SIGNED) {
        assert!(verify(&hub, &github(&signature), GITHUB_BODY, NOW).is_err(), "{signature}");
        assert!(verify(&hex, &[("x-signature", &signature)], GITHUB_BODY, NOW).is_err(), "{signature}");
    }
    for at in 0..GITHUB_BODY.len() {
        let mut body = GITHUB_BODY.to_vec();
        body[at] ^= 1;
        assert_eq!(verify(&hub, &github(GITHUB_SIGNED), &body, NOW), Err(Refusal::NoSecretMatches), "{at}");
    }
    for secret in flipped(GITHUB_SECRET) {
        let headers = [("x-gitlab-token", secret.as_str())];
        assert_eq!(verify(&with_token, &headers, b"", NOW), Err(Refusal::NoSecretMatches));
    }
    // Cut short and prolonged.
    for cut in [&GITHUB_SIGNED[..GITHUB_SIGNED.len() - 2], &format!("{GITHUB_SIGNED}00"), "sha256="] {
        assert_eq!(verify(&hub, &github(cut), GITHUB_BODY, NOW), Err(Refusal::NoSecretMatches));
    }
}

#[test]
fn a_header_with_a_body_signature_or_a_token() {
    let hex = &GITHUB_SIGNED["sha256=".len()..];
    let base64 = STANDARD.encode(unhex(hex).unwrap());
    let none = Ok(Verified { delivery: None });
    for (scheme, header, value) in [
        (hmac(Encoding::Hex), "x-signature", hex),
        (hmac(Encoding::Hex), "x-signature", &hex.to_uppercase()),
        (hmac(Encoding::Hex), "x-signature", GITHUB_SIGNED),
        (hmac(Encoding::Base64), "x-signature", &base64),
        (token(), "x-gitlab-token", GITHUB_SECRET),
    ] {
        let verifier = verifier(scheme, &[GITHUB_SECRET]);
        assert_eq!(verify(&verifier, &[(header, value)], GITHUB_BODY, NOW), none, "{value}");
    }
    let verifier = verifier(token(), &[GITHUB_SECRET]);
    for wrong in ["", "It's", "It's a Secret to Everybody "] {
        assert_eq!(verify(&verifier, &[("x-gitlab-token", wrong)], b"", NOW), Err(Refusal::NoSecretMatches));
    }
}

#[test]
fn any_of_several_secrets_fits_while_they_are_rotated() {
    let both = verifier(Scheme::Standard, &[OTHER_SECRET, STANDARD_SECRET]);
    assert!(verify(&both, &standard(MESSAGE, SENT, STANDARD_SIGNATURE), BODY, NOW).is_ok());
    let other = Key::parse(&Scheme::Standard, &Secret::new(OTHER_SECRET.into())).unwrap();
    for body in ["", "{}", "Grüße, 世界 🚀", "a.1614265330.b"] {
        let signature = other.sign(MESSAGE, NOW, body.as_bytes()).unwrap();
        assert!(verify(&both, &standard(MESSAGE, SENT, &signature), body.as_bytes(), NOW).is_ok(), "{body}");
    }
    let gone = verifier(Scheme::Standard, &[OTHER_SECRET]);
    let headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE);
    assert_eq!(verify(&gone, &headers, BODY, NOW), Err(Refusal::NoSecretMatches));
}

#[test]
fn old_and_future_requests_are_refused() {
    let verifier = verifier(Scheme::Standard, &[STANDARD_SECRET]);
    let headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE);
    let at = |millis: i64| Timestamp::from_millis(NOW.as_millis() + millis);
    let by = |millis: u64| Duration::from_millis(millis);
    assert_eq!(verify(&verifier, &headers, BODY, at(300_001)), Err(Refusal::TooOld { by: by(300_001) }));
    assert_eq!(verify(&verifier, &headers, BODY, at(-300_001)), Err(Refusal::InFuture { by: by(300_001) }));
    for end in [i64::MIN, i64::MAX] {
        assert!(verify(&verifier, &headers, BODY, Timestamp::from_millis(end)).is_err());
    }
    for timestamp in ["", "-1614265330", "+1614265330", " 1614265330", "1614265330.0", "hello", "99999999999999999999"]
    {
        let refusal = verify(&verifier, &standard(MESSAGE, timestamp, STANDARD_SIGNATURE), BODY, NOW);
        assert!(matches!(refusal, Err(Refusal::Malformed { .. })), "{timestamp:?}: {refusal:?}");
    }
}

#[test]
fn what_is_missing_malformed_or_too_large_is_named() {
    let verifier = verifier(Scheme::Standard, &[STANDARD_SECRET]);
    for absent in 0..3 {
        let mut headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE).to_vec();
        let (header, _) = headers.remove(absent);
        assert_eq!(verify(&verifier, &headers, BODY, NOW), Err(Refusal::Missing { header: header.into() }));
    }
    let signature = |signature: &str| verify(&verifier, &standard(MESSAGE, SENT, signature), BODY, NOW);
    for bad in ["", "v1,", "v1,???", "v2,g0hM9SsE", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
        let refusal = signature(bad).expect_err(bad);
        assert!(matches!(refusal, Refusal::Malformed { .. } | Refusal::NoSecretMatches), "{bad}: {refusal:?}");
    }
    let many = [STANDARD_SIGNATURE; MAX_SIGNATURES].join(" ");
    assert!(signature(&many).is_ok());
    assert_eq!(signature(&format!("{many} {STANDARD_SIGNATURE}")), Err(Refusal::TooManySignatures));
    let long = "v1,".to_owned() + &"A".repeat(MAX_HEADER_BYTES);
    assert_eq!(signature(&long), Err(Refusal::HeaderTooLong { header: SIGNATURE.into() }));
    let headers = standard(MESSAGE, SENT, STANDARD_SIGNATURE);
    let key = Key::parse(&Scheme::Standard, &Secret::new(STANDARD_SECRET.into())).unwrap();
    for (bytes, is_read) in [(MAX_BODY_BYTES, true), (MAX_BODY_BYTES + 1, false)] {
        let refusal = verify(&verifier, &headers, &vec![b' '; bytes], NOW).expect_err("another body");
        assert_eq!(refusal == Refusal::NoSecretMatches, is_read, "{bytes}: {refusal}");
    }
    // With a dot, `msg` + `1` + `2.body` and `msg.1` + `2` + `body` would have the same signature.
    for id in ["", "msg.1", "m sg", "m\u{fc}sg", "m\nsg", &"m".repeat(MAX_DELIVERY_BYTES + 1)] {
        let refusal = verify(&verifier, &standard(id, SENT, STANDARD_SIGNATURE), BODY, NOW);
        assert!(matches!(refusal, Err(Refusal::Malformed { .. })), "{id:?}");
        assert!(key.sign(id, NOW, BODY).is_err(), "{id:?}");
    }
}

#[test]
fn secrets_are_checked_when_they_are_read() {
    let read = |scheme: Scheme, secrets: &[&str]| {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect();
        Verifier::new(scheme, &secrets).map(drop)
    };
    for scheme in [Scheme::Standard, Scheme::GitHub, hmac(Encoding::Hex), token()] {
        for (secrets, refused) in [
            (&[][..], KeyRefused::None),
            (&[""][..], KeyRefused::Empty),
            (&[STANDARD_SECRET, " \n"][..], KeyRefused::Empty),
            (&[STANDARD_SECRET; MAX_SECRETS + 1][..], KeyRefused::TooMany { found: MAX_SECRETS + 1 }),
            (&["x".repeat(2000).as_str()][..], KeyRefused::TooLong),
        ] {
            assert_eq!(read(scheme.clone(), secrets), Err(refused), "{scheme:?}");
        }
    }
    assert_eq!(read(Scheme::Standard, &["whsec_"]), Err(KeyRefused::Empty));
    for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???", "whsk_MfKQ9r8GKYqr"] {
        assert_eq!(read(Scheme::Standard, &[secret]), Err(KeyRefused::NotStandard), "{secret}");
    }
}

#[test]
fn nothing_that_is_shown_holds_a_secret_or_a_signature() {
    let both = verifier(Scheme::Standard, &[STANDARD_SECRET, OTHER_SECRET]);
    let hub = verifier(Scheme::GitHub, &[GITHUB_SECRET]);
    let mut shown = format!("{both:?} {hub:?}");
    for headers in [standard(MESSAGE, SENT, "v1,AAAA"), standard(MESSAGE, "0", "v1,AAAA"), standard("", SENT, "-")] {
        let refusal = verify(&both, &headers, BODY, NOW).expect_err("nothing fits");
        shown += &format!("{refusal} {refusal:?} {}", refusal.fault());
    }
    for signature in ["sha256=00", "sha256=zz", "00"] {
        let refusal = verify(&hub, &github(signature), GITHUB_BODY, NOW).expect_err("nothing fits");
        shown += &format!("{refusal} {refusal:?} {}", refusal.fault());
    }
    for hidden in [&STANDARD_SECRET[6..], &OTHER_SECRET[6..], GITHUB_SECRET, &STANDARD_SIGNATURE[3..], "757107ea"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn schemes_stand_as_text_in_a_definition() {
    for (scheme, text) in [
        (Scheme::Standard, r#"{"scheme":"standard"}"#),
        (Scheme::GitHub, r#"{"scheme":"github"}"#),
        (hmac(Encoding::Base64), r#"{"scheme":"hmac-sha256","header":"x-signature","encoding":"base64"}"#),
        (token(), r#"{"scheme":"token","header":"x-gitlab-token"}"#),
    ] {
        assert_eq!(serde_json::to_string(&scheme).unwrap(), text);
        assert_eq!(serde_json::from_str::<Scheme>(text).unwrap(), scheme);
    }
    let short: Scheme = serde_json::from_str(r#"{"scheme":"hmac-sha256","header":"X-Signature"}"#).unwrap();
    assert_eq!(short, hmac(Encoding::Hex));
    for bad in [
        r#"{"scheme":"none"}"#,
        r#"{"scheme":"token"}"#,
        r#"{"scheme":"token","header":""}"#,
        r#"{"scheme":"token","header":"X Y"}"#,
        r#"{"scheme":"token","header":"X-Y","more":1}"#,
    ] {
        assert!(serde_json::from_str::<Scheme>(bad).is_err(), "{bad}");
    }
}

/// How long a refusal takes must not tell one webhook from another, or from none.
#[test]
fn every_key_goes_over_every_request_whatever_is_wrong_with_it() {
    let header = HeaderName::parse("x-sig").unwrap();
    let hmac = Scheme::HmacSha256 { header: header.clone(), encoding: Encoding::Hex };
    let secret = Secret::new(format!("whsec_{}", STANDARD.encode([7; 32])));
    let other = Secret::new(format!("whsec_{}", STANDARD.encode([8; 32])));
    for scheme in [Scheme::Standard, Scheme::GitHub, hmac, Scheme::Token { header }] {
        let verifier = Verifier::new(scheme.clone(), &[secret.clone(), other.clone()]).unwrap();
        // Without a single header: what is missing is found out afterwards.
        let (of_one, of_another) = (verifier.tags(|_| None, b"body"), verifier.tags(|_| None, b"another"));
        assert_eq!(of_one.len(), 2, "{scheme:?}");
        let unlike = of_one.iter().zip(&of_another).all(|(one, another)| one.bytes() != another.bytes());
        assert!(unlike, "{scheme:?}: the body is part of it");
    }
    let nobody = Verifier::of_nobody([9; 32]);
    assert_eq!(nobody.tags(|_| None, b"body").len(), 1);
    let signed = "00".repeat(32);
    let answer = nobody.verify(|name| (name == "x-signature").then_some(signed.as_str()), b"body", Timestamp::EPOCH);
    assert_eq!(answer, Err(Refusal::NoSecretMatches));
}
