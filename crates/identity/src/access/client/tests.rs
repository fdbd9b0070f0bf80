use super::*;

const ADDRESS: &str = "https://app.example.com/oauth/client.json";

#[test]
fn an_answer_goes_to_exactly_where_it_may() {
    let listed: Vec<String> = [
        "https://app.example.com/callback",
        "http://127.0.0.1/callback",
        "http://localhost:3118/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ]
    .map(str::to_owned)
    .to_vec();
    for (asked, expected) in [
        ("https://app.example.com/callback", true),
        ("http://127.0.0.1/callback", true),
        ("http://127.0.0.1:51234/callback", true),
        ("http://localhost:9/callback", true),
        ("cursor://anysphere.cursor-mcp/oauth/callback", true),
        // Prefix, suffix, case, a port, another path, a query.
        ("https://app.example.com/call", false),
        ("https://app.example.com/callback/", false),
        ("https://app.example.com/callback/../evil", false),
        ("https://app.example.com/callbackevil", false),
        ("https://app.example.com/CALLBACK", false),
        ("https://APP.example.com/callback", false),
        ("HTTPS://app.example.com/callback", false),
        ("https://app.example.com:8443/callback", false),
        ("https://app.example.com/callback?next=https://evil.example", false),
        ("https://app.example.com.evil.example/callback", false),
        // What hides another host.
        ("https://app.example.com/callback#@evil.example", false),
        ("https://app.example.com@evil.example/callback", false),
        ("https://app.example.com\\@evil.example/callback", false),
        ("http://127.0.0.1:80@evil.example/callback", false),
        ("http://127.0.0.1.evil.example/callback", false),
        ("http://localhost.evil.example/callback", false),
        ("http://localhost:3118.evil.example/callback", false),
        ("http://127.0.0.1:99999/callback", false),
        ("http://127.0.0.2/callback", false),
        ("http://127.0.0.1:1/other", false),
        ("https://127.0.0.1/callback", false),
        ("", false),
        (" https://app.example.com/callback", false),
        ("https://app.example.com/callback\n", false),
    ] {
        assert_eq!(is_listed(asked, &listed), expected, "{asked}");
    }
}

#[test]
fn what_a_browser_would_run_or_read_is_no_address_to_answer_at() {
    for bad in [
        "javascript:alert(1)",
        "javascript://app.example.com/%0aalert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://a.example/x",
        "about:blank",
        "http://app.example.com/callback",
        "https:app.example.com",
        "https:///callback",
        "ftp://a.example/x",
        "//app.example.com/callback",
        "/callback",
        "cursor",
        ".dot:x",
        "com.example.app:/x y",
    ] {
        assert!(!may_be_answered(bad), "{bad}");
    }
    for good in ["com.example.app:/callback", "vscode://x.y/z", "http://[::1]:7/x", "https://a.example"] {
        assert!(may_be_answered(good), "{good}");
    }
}

#[test]
fn a_programs_address_is_plain() {
    assert_eq!(check_address(ADDRESS), Ok(()));
    for bad in [
        "http://app.example.com/client.json",
        "https://app.example.com",
        "https://app.example.com/",
        "https:///client.json",
        "https://user:pw@app.example.com/client.json",
        "https://app.example.com@169.254.169.254/client.json",
        "https://app.example.com/a/../client.json",
        "https://app.example.com/a/%2e%2e/client.json",
        "https://app.example.com/client.json#x",
        "https://app.example.com/client.json?x=1",
        "https://app.example.com\\evil/client.json",
        "https://app.example.com/client json",
        "javascript:alert(1)",
        "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    ] {
        assert_eq!(check_address(bad), Err(ClientRefusal::Address), "{bad}");
    }
}

#[test]
fn a_document_speaks_for_its_own_address_alone() {
    let check = |text: &str| read_document(ADDRESS, text.as_bytes());
    let good = format!(
        r#"{{"client_id":"{ADDRESS}","client_name":"App\u202e\u0007 X","redirect_uris":["https://a.example/x"]}}"#
    );
    assert_eq!(check(&good), Ok(Described { name: "App X".into(), redirects: vec!["https://a.example/x".into()] }));
    let other = good.replace("client.json", "other.json");
    assert_eq!(check(&other), Err(ClientRefusal::Other));
    assert_eq!(check(r#"{"redirect_uris":["https://a.example/x"]}"#), Err(ClientRefusal::Other));
    let secret = good.replace("\"client_name\"", "\"client_secret\":\"x\",\"client_name\"");
    assert_eq!(check(&secret), Err(ClientRefusal::Method));
    let method =
        good.replace("\"client_name\"", "\"token_endpoint_auth_method\":\"client_secret_basic\",\"client_name\"");
    assert_eq!(check(&method), Err(ClientRefusal::Method));
    assert_eq!(
        check(&good.replace("https://a.example/x", "javascript:1")),
        Err(ClientRefusal::Redirect("javascript:1".into()))
    );
    assert_eq!(check(&good.replace(r#"["https://a.example/x"]"#, "[]")), Err(ClientRefusal::Redirects));
    assert!(matches!(check(&good[..good.len() - 1]), Err(ClientRefusal::Document(_))));
    assert!(matches!(check("[]"), Err(ClientRefusal::Document(_))));
}

#[test]
fn what_is_added_to_an_address_stays_a_value() {
    for (uri, value, expected) in [
        ("https://a.example/x", "a b&c=d#e", "https://a.example/x?state=a%20b%26c%3Dd%23e"),
        ("https://a.example/x?y=1", "z", "https://a.example/x?y=1&state=z"),
        ("cursor://x", "é", "cursor://x?state=%C3%A9"),
    ] {
        assert_eq!(with_query(uri, &[("state", value)]), expected);
    }
    assert_eq!(host("https://a.example:8443/x"), "a.example:8443");
    assert_eq!(host("cursor://b/x"), "b");
    assert_eq!(host("com.example:/x"), "");
}
