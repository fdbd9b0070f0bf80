use super::*;

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn passwords(concurrent: usize) -> Passwords {
    Passwords::new(Cost::for_tests(), concurrent, &Rng::seeded(1)).unwrap()
}

const GOOD: &str = "nine otters paint a fence";

#[test]
fn policy_asks_for_length_and_against_the_obvious_and_for_nothing_else() {
    let check = |password: &str, expected: &str| {
        let got = match check_policy(&secret(password), &["anna.berg@example.org", "panel.example.org"]) {
            Ok(()) => "ok".to_owned(),
            Err(error) => sf_types::Fault::from(error).code,
        };
        assert_eq!(got, expected, "{password:?}");
    };
    check(GOOD, "ok");
    check("onlylowercasewords", "ok");
    check("日本語日本語日本語の長い合言葉です", "ok");
    check("fourteen chars", "password.too_short");
    check("fifteen  chars!", "ok");
    check("", "password.too_short");
    // Fifteen characters composed of two code points each are fifteen, and fourteen are fourteen.
    check(&"e\u{301}e\u{300}o\u{302}u\u{308}n\u{303}".repeat(3).replacen('o', "x", 1), "ok");
    check(&"e\u{301}".repeat(14), "password.too_short");
    check(&"ab c".repeat(256), "password.common");
    check(&"x y!".repeat(257), "password.too_long");
    for common in [
        "passwordpassword",
        "PasswordPassword",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabcabcab",
        "123456789012345",
        "987654321098765",
        "abcdefghijklmnop",
        "Correct Horse Battery Staple",
        "anna.berg@example.org1",
        "exampleannaberg2024",
    ] {
        check(common, "password.common");
    }
}

#[tokio::test]
async fn the_right_password_is_right_and_every_other_wrong() {
    let passwords = passwords(2);
    let stored = passwords.hash(&secret(GOOD), &[]).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{stored}");
    assert_ne!(stored, passwords.hash(&secret(GOOD), &[]).await.unwrap(), "salted");
    for (password, expected) in [
        (GOOD, Verified::Right { rehash: false }),
        ("nine otters paint a fencE", Verified::Wrong),
        ("", Verified::Wrong),
        (&"x".repeat(2_000), Verified::Wrong),
    ] {
        assert_eq!(passwords.verify(&secret(password), Some(&stored)).await.unwrap(), expected, "{password}");
    }
}

#[tokio::test]
async fn a_password_is_the_same_however_its_characters_were_composed() {
    let passwords = passwords(2);
    let stored = passwords.hash(&secret("caf\u{e9} caf\u{e9} caf\u{e9} thé"), &[]).await.unwrap();
    let typed = secret("cafe\u{301} cafe\u{301} cafe\u{301} the\u{301}");
    assert_eq!(passwords.verify(&typed, Some(&stored)).await.unwrap(), Verified::Right { rehash: false });
}

#[tokio::test]
async fn an_unknown_user_costs_the_same_work() {
    let passwords = passwords(2);
    let stored = passwords.hash(&secret(GOOD), &[]).await.unwrap();
    for (password, stored) in
        [(GOOD, Some(stored.as_str())), (GOOD, None), ("", None), (&"x".repeat(5_000), Some(stored.as_str()))]
    {
        let before = passwords.hashes();
        let verified = passwords.verify(&secret(password), stored).await.unwrap();
        assert_eq!(verified == Verified::Wrong, stored.is_none() || password.len() > MAX_BYTES);
        assert_eq!(passwords.hashes(), before + 1, "one hash for {password:.10} {stored:?}");
    }
    let nobody = PasswordHash::new(&passwords.nobody).unwrap();
    let params = Params::try_from(&nobody).unwrap();
    assert_eq!((params.m_cost(), params.t_cost()), (passwords.cost.memory_kib, passwords.cost.passes));
}

#[tokio::test]
async fn a_hash_of_another_cost_still_holds_and_asks_to_be_replaced() {
    let old = passwords(1);
    let stored = old.hash(&secret(GOOD), &[]).await.unwrap();
    let new = Passwords::new(Cost { passes: 2, ..Cost::for_tests() }, 1, &Rng::seeded(2)).unwrap();
    assert_eq!(new.verify(&secret(GOOD), Some(&stored)).await.unwrap(), Verified::Right { rehash: true });
    assert_eq!(new.verify(&secret("wrong"), Some(&stored)).await.unwrap(), Verified::Wrong);
    assert!(matches!(new.verify(&secret(GOOD), Some("plain")).await, Err(IdentityError::PasswordHash(_))));
}

#[test]
fn production_cost_is_at_least_what_owasp_asks() {
    let cost = Cost::default();
    assert!(cost.memory_kib >= 19 * 1024 && cost.passes >= 2);
}

#[tokio::test]
async fn a_crowd_is_refused_instead_of_filling_the_memory() {
    let passwords = passwords(1);
    let held = Arc::clone(&passwords.running).try_acquire_owned().unwrap();
    let password = secret(GOOD);
    let mut waiting: Vec<_> = (0..=MAX_WAITING).map(|_| Box::pin(passwords.verify(&password, None))).collect();
    for one in &mut waiting {
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(one.as_mut().poll(cx).is_pending()));
        assert!(poll.await);
    }
    assert!(matches!(passwords.verify(&password, None).await, Err(IdentityError::PasswordsBusy)));
    drop(waiting);
    drop(held);
    assert_eq!(passwords.verify(&password, None).await.unwrap(), Verified::Wrong);
}

#[test]
fn generated_passwords_can_be_read_and_pass_the_policy() {
    let password = generate(&Rng::seeded(3));
    assert!(check_policy(&password, &[]).is_ok());
    let groups: Vec<_> = password.expose().split('-').map(str::len).collect();
    assert_eq!(groups, [5, 5, 5, 5]);
    assert_ne!(generate(&Rng::seeded(4)).expose(), password.expose());
}
