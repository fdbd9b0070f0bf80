use super::*;

fn redactor() -> Redactor {
    Redactor::new(["hunter2-hunter2", "two words \"quoted\"", "p@ss/word", "tiny", "line one of it\nline two of it"])
}

fn check(line: &str, expected: &str) {
    let redactor = redactor();
    assert_eq!(redactor.redact(line), expected, "whole");
    // However it is cut into chunks, the answer is the same.
    for size in [1, 2, 3, 7] {
        let mut stream = Stream::default();
        let mut out: Vec<u8> = line.as_bytes().chunks(size).flat_map(|chunk| stream.push(&redactor, chunk)).collect();
        out.extend(stream.finish(&redactor));
        assert_eq!(String::from_utf8(out).unwrap(), expected, "in chunks of {size}");
    }
}

#[test]
fn known_values_are_hidden_wherever_they_stand() {
    check("xhunter2-hunter2y hunter2-hunter2", "x[redacted]y [redacted]");
    check(r#"{"a":"two words \"quoted\""}"#, r#"{"a":"[redacted]"}"#);
    check("GET /?q=p%40ss%2Fword", "GET /?q=[redacted]");
    check("line one of it\nand line two of it\r\n", "[redacted]\nand [redacted]\r\n");
    check("tiny things stay", "tiny things stay");
    check("password=two words \"quoted\" end", "password=[redacted] end");
}

#[test]
fn shapes_of_secrets_are_hidden() {
    for (line, expected) in [
        ("Authorization: Basic dXNlcjpwdw== x", "Authorization: [redacted]"),
        ("curl -H 'authorization: token abc' https://h", "curl -H 'authorization: [redacted]' https://h"),
        (r#"{"Authorization":"Bearer abc","b":1}"#, r#"{"Authorization":"[redacted]","b":1}"#),
        ("got Bearer abcdefgh.ijk-l ok", "got Bearer [redacted] ok"),
        ("DB_PASSWORD=x y", "DB_PASSWORD=[redacted] y"),
        ("password: 'a b' c", "password: '[redacted]' c"),
        (r#"{"password":"a\\\"b","c":1}"#, r#"{"password":"[redacted]","c":1}"#),
        (r#"msg="{\"password\":\"abc\",\"c\":1}""#, r#"msg="{\"password\":\"[redacted]\",\"c\":1}""#),
        ("?token=abcdefghi&x=1", "?token=[redacted]&x=1"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("id AKIAIOSFODNN7EXAMPLE.", "id [redacted]"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]"),
        ("postgres://app:s3cret@db/x", "postgres://app:[redacted]@db/x"),
        ("https://app:p@ss@db/x", "https://app:[redacted]@db/x"),
        ("https://0123456789abcdef@github.com/a", "https://[redacted]@github.com/a"),
        ("Cookie: sf_refresh=abc; b=c", "Cookie: [redacted]"),
    ] {
        check(line, expected);
    }
    let own = format!("sf_{}", "a2".repeat(40));
    check(&format!("login {own} done"), "login [redacted] done");
}

#[test]
fn ordinary_lines_stay_as_they_are() {
    for line in [
        "Unexpected token: }",
        "password authentication failed for user",
        "ssh://git@github.com/a/b.git",
        "http://127.0.0.1:7400/a:b@c",
        "the bearer of news",
        "passwords are hashed",
        "sf_runtime::tasks",
        "café – naïve: ok",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "",
        "\n\n",
    ] {
        check(line, line);
        assert!(matches!(redactor().redact(line), Cow::Borrowed(_)));
    }
}

#[test]
fn private_key_blocks_are_hidden_over_lines_and_in_one() {
    check(
        "a -----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nAAAA\n-----END OPENSSH PRIVATE KEY----- z\nplain\n",
        "a [redacted]\n[redacted]\n[redacted]\n[redacted] z\nplain\n",
    );
    check(r"k=-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n", r"k=[redacted]\n");
}

#[test]
fn a_block_that_never_ends_does_not_hide_everything_after_it() {
    let text = format!("-----BEGIN PRIVATE KEY-----\n{}after\n", "x\n".repeat(LONGEST_KEY_BLOCK_BYTES));
    assert!(redactor().redact(&text).ends_with("x\nafter\n"));
}

#[test]
fn an_over_long_line_is_passed_on_without_splitting_a_secret() {
    let redactor = redactor();
    for at in (HELD_BYTES - KEPT_BACK_BYTES - 40)..(HELD_BYTES - KEPT_BACK_BYTES + 40) {
        let line = format!("{}hunter2-hunter2{}", ".".repeat(at), ".".repeat(HELD_BYTES));
        let mut stream = Stream::default();
        let mut out = Vec::new();
        for chunk in line.as_bytes().chunks(8 * 1024) {
            out.extend(stream.push(&redactor, chunk));
            assert!(stream.held.len() <= HELD_BYTES);
        }
        out.extend(stream.finish(&redactor));
        let expected = format!("{}{MASK}{}", ".".repeat(at), ".".repeat(HELD_BYTES));
        assert!(out == expected.as_bytes(), "secret at {at}");
    }
}

#[test]
fn an_endless_value_is_dropped_to_its_end() {
    let line = format!("a password={} b\nnext\n", "x".repeat(3 * HELD_BYTES));
    assert_eq!(redactor().redact(&line), "a password=[redacted] b\nnext\n");
    let line = format!("password={}", "x".repeat(3 * HELD_BYTES));
    assert_eq!(redactor().redact(&line), "password=[redacted]");
}

#[test]
fn a_shape_that_begins_inside_another_is_hidden_to_its_own_end() {
    check("password=Bearer abcdefgh.ijkl x", "password=[redacted] [redacted] x");
    check(&format!("password={}token='a bcdefgh' x", "x".repeat(500)), "password=[redacted]'[redacted]' x");
    check(&"password=".repeat(20_000), "password=[redacted]");
}

#[test]
fn bytes_that_are_no_text_pass_unharmed() {
    let redactor = redactor();
    let mut stream = Stream::default();
    assert_eq!(stream.push(&redactor, b"\xff\xfe hunter2-hunter2\n\x80"), b"\xff\xfe [redacted]\n");
    assert_eq!(stream.finish(&redactor), b"\x80");
}

#[test]
fn a_redactor_does_not_print_what_it_knows() {
    assert!(!format!("{:?}", redactor()).contains("hunter2"));
}

#[test]
fn a_terminal_loses_the_known_values_alone() {
    let redactor = Redactor::of_known(["pencil-case-17"]);
    for (line, expected) in [
        ("rcon password=hunter2hunter2 at pencil-case-17!", "rcon password=hunter2hunter2 at [redacted]!"),
        ("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"),
        ("plain", "plain"),
    ] {
        assert_eq!(redactor.redact(line), expected);
    }
    // Cut in two by the longest line.
    let mut stream = Stream::default();
    let said = [
        stream.line(&redactor, &format!("{}pencil-", "x".repeat(900)), true),
        stream.line(&redactor, "case-17 end", false),
    ];
    assert!(said.concat().ends_with("x[redacted] end") && !said.concat().contains("pencil"), "{said:?}");
}
