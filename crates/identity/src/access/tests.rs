use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sf_types::TypedId;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn instance(byte: u8) -> InstanceId {
    InstanceId::from_parts(NOW, [byte; 10])
}

fn key(byte: u8) -> AccessKey {
    AccessKey::from_seed(&[byte; 32], NOW)
}

fn keys(byte: u8) -> AccessKeys {
    AccessKeys::new(instance(1), key(byte), [])
}

fn grant(audience: Audience) -> Grant {
    Grant {
        audience,
        user: UserId::from_parts(NOW, [1; 10]),
        session: SessionId::from_parts(NOW, [2; 10]),
        tenant: TenantId::from_parts(NOW, [3; 10]),
    }
}

fn token(keys: &AccessKeys, audience: Audience) -> String {
    keys.issue(grant(audience), NOW, &Rng::seeded(1)).unwrap().expose().clone()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn parts(token: &str) -> Vec<&str> {
    token.split('.').collect()
}

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts(token)[1]).unwrap()).unwrap()
}

/// A token over any header and claims, signed with a key of ours.
fn signed(by: &AccessKey, header: Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(&header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &by.encoding(), Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

fn check(token: &str, at: Timestamp, expected: Result<(), AccessRefusal>) {
    assert_eq!(keys(1).verify(Audience::Api, token, at).map(drop), expected, "{token}");
}

#[test]
fn a_token_says_who_through_what_session_in_which_team() {
    let keys = keys(1);
    let claims = keys.verify(Audience::Api, &token(&keys, Audience::Api), NOW).unwrap();
    let grant = grant(Audience::Api);
    assert_eq!(
        (claims.sub, claims.sid, claims.tid, claims.iss),
        (grant.user, grant.session, grant.tenant, instance(1))
    );
    assert_eq!(claims.exp - claims.iat, 15 * 60);
    assert_eq!(claims.jti.len(), 32);
}

#[test]
fn a_token_lives_fifteen_minutes_and_not_before_it_was_made() {
    let token = token(&keys(1), Audience::Api);
    let seconds = Duration::from_secs;
    check(&token, NOW.plus(LIFETIME).plus(seconds(4)), Ok(()));
    check(&token, NOW.plus(LIFETIME).plus(seconds(5)), Err(AccessRefusal::Expired));
    check(&token, NOW.minus(seconds(5)), Ok(()));
    check(&token, NOW.minus(seconds(6)), Err(AccessRefusal::NotYet));
}

#[test]
fn a_token_for_one_endpoint_works_on_no_other() {
    let all = [Audience::Api, Audience::Ws, Audience::Mcp];
    for made_for in all {
        for asked in all {
            let got = keys(1).verify(asked, &token(&keys(1), made_for), NOW).map(|claims| claims.aud);
            assert_eq!(got, if asked == made_for { Ok(asked) } else { Err(AccessRefusal::Audience) });
        }
    }
}

#[test]
fn the_algorithm_is_not_the_tokens_to_choose() {
    let good = token(&keys(1), Audience::Api);
    let (claims, kid) = (claims(&good), key(1).id().to_owned());
    let none = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg, "typ": TYPE, "kid": kid})), part(&claims));
    for alg in ["none", "None", "NONE", ""] {
        check(&none(alg), NOW, Err(AccessRefusal::Malformed));
    }
    check(&none("EdDSA"), NOW, Err(AccessRefusal::Signature));
    // The public key as the secret of an HMAC, in the forms a confused library might take it.
    let public = *key(1).secret.public().bytes();
    for secret in [public.to_vec(), URL_SAFE_NO_PAD.encode(public).into_bytes()] {
        let mut header = Header::new(Algorithm::HS256);
        (header.typ, header.kid) = (Some(TYPE.to_owned()), Some(kid.clone()));
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        check(&forged, NOW, Err(AccessRefusal::Malformed));
        let head = part(&json!({"alg": "EdDSA", "typ": TYPE, "kid": kid}));
        let renamed = format!("{head}.{}", forged.split_once('.').unwrap().1);
        check(&renamed, NOW, Err(AccessRefusal::Signature));
    }
}

#[test]
fn keys_come_from_us_and_never_from_the_token() {
    let good = token(&keys(1), Audience::Api);
    check(&token(&keys(2), Audience::Api), NOW, Err(AccessRefusal::UnknownKey));
    let ours = key(1).id().to_owned();
    let claims = claims(&good);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key(2).secret.public().bytes())});
    for header in [
        json!({"alg": "EdDSA", "typ": TYPE, "kid": ours}),
        json!({"alg": "EdDSA", "typ": TYPE, "kid": ours, "jwk": jwk}),
    ] {
        check(&signed(&key(2), header, &claims), NOW, Err(AccessRefusal::Signature));
    }
    for (header, expected) in [
        (json!({"alg": "EdDSA", "typ": TYPE}), AccessRefusal::UnknownKey),
        (json!({"alg": "EdDSA", "kid": ours}), AccessRefusal::Malformed),
        (json!({"alg": "EdDSA", "typ": "JWT", "kid": ours}), AccessRefusal::Malformed),
        (json!({"alg": "EdDSA", "typ": TYPE, "kid": ours, "crit": ["exp"]}), AccessRefusal::Malformed),
    ] {
        check(&signed(&key(1), header, &claims), NOW, Err(expected));
    }
}

#[test]
fn claims_are_complete_and_of_this_control_plane() {
    let header = || json!({"alg": "EdDSA", "typ": TYPE, "kid": key(1).id()});
    let good = claims(&token(&keys(1), Audience::Api));
    check(&signed(&key(1), header(), &good), NOW, Ok(()));
    for (name, value, expected) in [
        ("iss", json!(instance(2)), AccessRefusal::Issuer),
        ("aud", json!("ws"), AccessRefusal::Audience),
        ("aud", json!(["api", "ws"]), AccessRefusal::Malformed),
        ("aud", json!("everything"), AccessRefusal::Malformed),
        ("exp", json!(null), AccessRefusal::Malformed),
        ("exp", json!("never"), AccessRefusal::Malformed),
        ("sub", json!("admin"), AccessRefusal::Malformed),
        ("role", json!("admin"), AccessRefusal::Malformed),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        check(&signed(&key(1), header(), &changed), NOW, Err(expected));
        // Changed without our key, whatever it says.
        let token = token(&keys(1), Audience::Api);
        let bent = format!("{}.{}.{}", parts(&token)[0], part(&changed), parts(&token)[2]);
        check(&bent, NOW, Err(AccessRefusal::Signature));
    }
    for name in ["iss", "aud", "sub", "sid", "tid", "iat", "exp", "jti"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(name);
        check(&signed(&key(1), header(), &without), NOW, Err(AccessRefusal::Malformed));
    }
}

#[test]
fn every_changed_character_and_every_other_text_is_refused() {
    let good = token(&keys(1), Audience::Api);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(keys(1).verify(Audience::Api, &changed, NOW).is_err(), "character {at}");
    }
    let long = format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES));
    for text in ["", ".", "..", "a.b.c", "sf_abc", &good[..good.len() - 1], &format!("{good}.x"), &long] {
        assert!(keys(1).verify(Audience::Api, text, NOW).is_err(), "{text:.40}");
    }
}

#[test]
fn after_a_rotation_the_new_key_signs_and_the_old_ones_are_accepted_for_a_while() {
    let at = |n: u64| NOW.plus(Duration::from_secs(n));
    let made = |n: u8| AccessKey::from_seed(&[n; 32], at(u64::from(n)));
    let mut keys = AccessKeys::new(instance(1), made(1), []);
    let mut tokens = vec![token(&keys, Audience::Api)];
    for n in 2..=4 {
        keys = keys.rotated(made(n));
        tokens.push(token(&keys, Audience::Api));
    }
    let accepted: Vec<_> = tokens.iter().map(|token| keys.verify(Audience::Api, token, NOW).is_ok()).collect();
    assert_eq!(accepted, [false, true, true, true]);
    assert_eq!(keys.keys()[0].id(), made(4).id());
    let loaded = AccessKeys::new(instance(1), made(2), [made(4), made(3)]);
    assert_eq!(loaded.keys()[0].id(), made(4).id());
    assert!(!keys.is_rotation_due(at(4).plus(ROTATE_AFTER).minus(Duration::from_millis(1))));
    assert!(keys.is_rotation_due(at(4).plus(ROTATE_AFTER)));
}

#[test]
fn a_stored_key_opens_only_under_its_own_id() {
    let (master, rng) = (MasterKey::from_bytes([1; 32]), Rng::seeded(1));
    let (one, other) = (AccessKey::generate(NOW, &rng), AccessKey::generate(NOW, &rng));
    let sealed = one.seal(&master, &rng);
    assert_eq!(AccessKey::open(one.id(), NOW, &sealed, &master).unwrap().id(), one.id());
    assert!(matches!(
        AccessKey::open(other.id(), NOW, &sealed, &master),
        Err(IdentityError::Unsealable { purpose: "access-key", .. })
    ));
}
