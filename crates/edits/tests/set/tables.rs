//! Each parser, before and after.

use sf_edits::{EditError, WarningKind, apply};
use sf_protocol::server::{EditValue, Parser, SetKey};

fn text(key: &str, value: &str) -> SetKey {
    SetKey { key: key.to_owned(), only_if: None, value: EditValue::Text(value.to_owned()) }
}

fn when(key: &str, only_if: &str, value: &str) -> SetKey {
    SetKey { only_if: Some(only_if.to_owned()), ..text(key, value) }
}

fn integer(key: &str, value: i64) -> SetKey {
    SetKey { key: key.to_owned(), only_if: None, value: EditValue::Integer(value) }
}

fn truth(key: &str, value: bool) -> SetKey {
    SetKey { key: key.to_owned(), only_if: None, value: EditValue::Bool(value) }
}

/// Before, one edit, after; and once more nothing changes, unless the condition no longer holds either.
fn check(parser: Parser, cases: &[(&str, SetKey, &str)]) {
    for (before, set, after) in cases {
        let edited = apply(parser, before.as_bytes(), std::slice::from_ref(set))
            .unwrap_or_else(|error| panic!("{before:?} {set:?}: {error}"));
        assert_eq!(String::from_utf8(edited.bytes.clone()).unwrap(), *after, "{set:?} in {before:?}");
        assert_eq!(edited.changed, before != after, "{set:?}");
        if set.only_if.is_none() {
            let again = apply(parser, &edited.bytes, std::slice::from_ref(set)).unwrap();
            assert!(!again.changed, "{set:?} twice in {before:?}: {:?}", String::from_utf8(again.bytes));
        }
    }
}

fn warnings(parser: Parser, before: &str, set: SetKey) -> Vec<WarningKind> {
    let edited = apply(parser, before.as_bytes(), &[set]).unwrap();
    edited.warnings.into_iter().map(|warning| warning.kind).collect()
}

fn refused(parser: Parser, before: &str, set: SetKey) -> EditError {
    apply(parser, before.as_bytes(), &[set]).unwrap_err()
}

#[test]
fn file() {
    check(
        Parser::File,
        &[
            ("  port = 1\n  ip = 2\n", text("  port", "  port = 25565"), "  port = 25565\n  ip = 2\n"),
            ("port = 1\r\nx", text("port", "port = 2"), "port = 2\r\nx"),
            ("a b\na c\nb a", text("a", "a d"), "a d\na d\nb a"),
            ("a = 1", when("a", "1", "a = 2"), "a = 2"),
            ("a = 1", when("a", "a = 1", "a = 2"), "a = 2"),
            ("a = 1", when("a", "2", "a = 3"), "a = 1"),
            (
                "host: 127.0.0.1:80",
                when("host", r"regex:^(127\.0\.0\.1)(:\d+)?$", "host: 10.0.0.1$2"),
                "host: 10.0.0.1:80",
            ),
            ("x", text("a", "a"), "x"),
        ],
    );
    assert_eq!(warnings(Parser::File, "x", text("a", "b")), [WarningKind::NoLine]);
    assert_eq!(refused(Parser::File, "a", text("a", "b\nc")).code(), "edit.value");
    assert_eq!(refused(Parser::File, "a", text("", "b")).code(), "edit.key");
}

#[test]
fn properties() {
    check(
        Parser::Properties,
        &[
            ("", text("a", "1"), "a=1\n"),
            ("#x\na=1\n", text("a", "2"), "#x\na=2\n"),
            ("a = 1  \r\nb=2\r\n", text("a", "2"), "a = 2\r\nb=2\r\n"),
            ("a=1", text("b", "2"), "a=1\nb=2"),
            ("a: 1\n! c\nb", text("b", "2"), "a: 1\n! c\nb=2"),
            ("query.port=1\n", text("query.port", "25565"), "query.port=25565\n"),
            ("motd=A \\\n  B\nx=1\n", text("motd", "§aHallo\nWelt"), "motd=\\u00a7aHallo\\nWelt\nx=1\n"),
            ("motd=\\u00a7aHallo\n", text("motd", "§aHallo"), "motd=\\u00a7aHallo\n"),
            ("a\\ b=1\n", text("a b", "2"), "a\\ b=2\n"),
            ("", text("a=b", " c"), "a\\=b=\\ c\n"),
            ("a=1\n", truth("a", true), "a=true\n"),
            ("a=1\n", when("a", "1", "2"), "a=2\n"),
            ("a=1\n", when("a", "2", "3"), "a=1\n"),
            ("", when("a", "", "3"), ""),
            ("a=x:80\n", when("a", "regex:^x", "y"), "a=y:80\n"),
            ("\u{feff}a=1\n", text("a", "2"), "\u{feff}a=2\n"),
        ],
    );
    assert_eq!(warnings(Parser::Properties, "a=1\na=2", text("a", "3")), [WarningKind::Several(2)]);
    let latin = apply(Parser::Properties, b"#caf\xe9\na=1\n", &[text("a", "\u{20ac}")]).unwrap();
    assert_eq!(latin.bytes, b"#caf\xe9\na=\\u20ac\n");
}

#[test]
fn ini() {
    check(
        Parser::Ini,
        &[
            ("", text("port", "1"), "port=1\n"),
            ("", text("network.port", "1"), "[network]\nport=1\n"),
            ("; a\nport = 1 ; why\n", text("port", "2"), "; a\nport = 2 ; why\n"),
            ("[a]\nx=1\n[b]\nx=1\n", text("b.x", "2"), "[a]\nx=1\n[b]\nx=2\n"),
            ("[a]\nx = 1\n\n[b]\ny = 1\n", text("a.z", "2"), "[a]\nx = 1\nz = 2\n\n[b]\ny = 1\n"),
            ("[a]\n\n[b]\n", integer("a.z", 0), "[a]\nz=0\n\n[b]\n"),
            ("[Ice]\nx=1\n", text("users", "5"), "users=5\n[Ice]\nx=1\n"),
            ("[/Script/Pal.X]\r\nA=1\r\n", text("[/Script/Pal.X].A", "2"), "[/Script/Pal.X]\r\nA=2\r\n"),
            ("[/Script/Pal.X]\nA=1", text("[/Script/Pal.X].B.C", "2"), "[/Script/Pal.X]\nA=1\nB.C=2"),
            ("motd=Server #1\n", text("motd", "Server #2"), "motd=Server #2\n"),
            ("motd=a # note\n", text("motd", "b"), "motd=b # note\n"),
            ("a= ; note\n", text("a", "b"), "a= b ; note\n"),
            ("a=\"x ; y\" ; z\n", text("a", "q\"r"), "a=\"q\\\"r\" ; z\n"),
            ("a=1\n", text("a", "x ; y"), "a=\"x ; y\"\n"),
            ("a=127.0.0.1\n", when("a", "regex:^127", "10"), "a=10.0.0.1\n"),
            ("a=1\n", when("a", "2", "3"), "a=1\n"),
        ],
    );
    for bad in ["b\n[c]", r#"\" "#, r" \"] {
        assert_eq!(refused(Parser::Ini, "", text("a", bad)).code(), "edit.value", "{bad}");
    }
    for bad in ["", "a.", "a]b", "a\nb", ";a"] {
        assert_eq!(refused(Parser::Ini, "", text(bad, "b")).code(), "edit.key", "{bad}");
    }
}

#[test]
fn json() {
    check(
        Parser::Json,
        &[
            ("", text("a.b", "1"), "{\n    \"a\": {\n        \"b\": \"1\"\n    }\n}\n"),
            ("{\"a\":1}", text("a", "2"), "{\"a\":2}"),
            ("{\"a\":\"1\"}", text("a", "2"), "{\"a\":\"2\"}"),
            ("{\"a\":true}", text("a", "False"), "{\"a\":false}"),
            ("{\"a\":null}", text("a", "2"), "{\"a\":\"2\"}"),
            ("{\"a\":1}", text("b", "x\"\n"), "{\"a\":1, \"b\": \"x\\\"\\n\"}"),
            ("{}", truth("a", true), "{\"a\": true}"),
            ("{\n  \"a\": {}\n}\n", integer("a.b", 5), "{\n  \"a\": {\n    \"b\": 5\n  }\n}\n"),
            (
                "{\r\n\t// why\r\n\t\"a\": 1, /* b */\r\n}",
                text("b.c", "x"),
                "{\r\n\t// why\r\n\t\"a\": 1,\r\n\t\"b\": {\r\n\t\t\"c\": \"x\"\r\n\t}, /* b */\r\n}",
            ),
            ("[{\"a\":1},{\"a\":2}]", text("*.a", "3"), "[{\"a\":3},{\"a\":3}]"),
            ("{\"a\":[1,2]}", text("a[1]", "3"), "{\"a\":[1,3]}"),
            ("{\"a\":[1,2]}", text("a[2]", "3"), "{\"a\":[1,2, \"3\"]}"),
            ("{\"a\":[]}", text("a[0].b", "3"), "{\"a\":[{\"b\": \"3\"}]}"),
            ("{\"a\":null}", text("a.b", "3"), "{\"a\":{\"b\": \"3\"}}"),
            ("{\"a.b\":1}", text(r"a\.b", "3"), "{\"a.b\":3}"),
            ("{\"\\u0061\":\"x\"}", text("a", "y"), "{\"\\u0061\":\"y\"}"),
            ("{\"a\":\"\\u00e4\"}", text("a", "ä"), "{\"a\":\"\\u00e4\"}"),
            ("{\"a\":\"x:1\"}", when("a", "regex:^x", "y"), "{\"a\":\"y:1\"}"),
            ("{\"a\":true}", when("a", "true", "false"), "{\"a\":false}"),
            ("{}", when("a", "x", "y"), "{}"),
        ],
    );
    assert_eq!(warnings(Parser::Json, "{\"a\":{}}", text("a", "1")), [WarningKind::Nested]);
    assert_eq!(warnings(Parser::Json, "{\"a\":\"x\"}", text("a.b", "1")), [WarningKind::InTheWay]);
    assert_eq!(warnings(Parser::Json, "{\"a\":[]}", text("a[1]", "1")), [WarningKind::NoElement]);
    assert_eq!(warnings(Parser::Json, "{\"a\":1}", text("a", "x")), [WarningKind::Retyped]);
    for (bad, line) in [
        ("{\n\"a\": }", 2),
        ("{\"a\":1,,}", 1),
        ("{'a':1}", 1),
        ("{}\n\nx", 3),
        ("{\"a\":\"", 1),
        ("[1 2]", 1),
        ("{\"a\":\"\\x\"}", 1),
        ("/*", 1),
    ] {
        match refused(Parser::Json, bad, text("a", "1")) {
            EditError::Syntax { line: found, .. } => assert_eq!(found, line, "{bad}"),
            other => panic!("{bad}: {other}"),
        }
    }
    assert_eq!(refused(Parser::Json, &"[".repeat(5000), text("a", "1")), EditError::Depth);
}

#[test]
fn yaml() {
    check(
        Parser::Yaml,
        &[
            ("", text("a.b", "x"), "a:\n  b: x\n"),
            ("# only this", text("a[0].b", "x"), "# only this\na:\n- b: x\n"),
            ("a: 1 # why\nb: 2\n", text("a", "2"), "a: 2 # why\nb: 2\n"),
            ("a: '1'\n", text("a", "2"), "a: '2'\n"),
            ("a: \"1\"\n", text("a", "2"), "a: \"2\"\n"),
            ("a: x\n", text("a", "2"), "a: '2'\n"),
            ("a: true\n", text("a", "false"), "a: false\n"),
            ("a:\n", text("a", "x"), "a: x\n"),
            ("a: # why\nb: 1\n", text("a", "x"), "a: x # why\nb: 1\n"),
            ("a: ~\n", text("a.b", "x"), "a: \n  b: x\n"),
            ("a:\n  b: 1\n  # end\nc: 2\n", text("a.d", "x"), "a:\n  b: 1\n  d: x\n  # end\nc: 2\n"),
            ("a:\n  b: 1", text("a.d.e", "x"), "a:\n  b: 1\n  d:\n    e: x"),
            ("a:\r\n- b: 1\r\n  c: 2\r\n", text("a[0].d", "x"), "a:\r\n- b: 1\r\n  c: 2\r\n  d: x\r\n"),
            ("a:\n  - b\n", text("a[1]", "c"), "a:\n  - b\n  - c\n"),
            ("a:\n- b: 1\nc: 1\n", text("a[1].b", "c"), "a:\n- b: 1\n- b: c\nc: 1\n"),
            ("a: {b: 1}\n", text("a.c", "x"), "a: {b: 1, c: x}\n"),
            ("a: {}\n", text("a.c.d", "x"), "a: {c: {d: x}}\n"),
            ("a: []\n", text("a[0]", "x"), "a: [x]\n"),
            ("a: [1, 2]\n", text("a[1]", "3"), "a: [1, 3]\n"),
            ("a: |\n  x\n  y\nb: 1\n", text("a", "z"), "a: z\nb: 1\n"),
            ("a: |\n  x\nb: 1\n", text("c", "z"), "a: |\n  x\nb: 1\nc: z\n"),
            ("b: 1\na: |\n  x\n", text("c", "z"), "b: 1\na: |\n  x\nc: z\n"),
            ("s:\n  x:\n    a: 1\n  y:\n    a: 2\n", text("s.*.a", "3"), "s:\n  x:\n    a: 3\n  y:\n    a: 3\n"),
            (
                "s:\n  x:\n    b: 1\n  y:\n    b: 2\n",
                text("s.*.a", "c"),
                "s:\n  x:\n    b: 1\n    a: c\n  y:\n    b: 2\n    a: c\n",
            ),
            ("---\na: 1\n---\na: 1\n", text("a", "2"), "---\na: 2\n---\na: 1\n"),
            ("a: &x 1\nb: *x\n", text("a", "2"), "a: &x 2\nb: *x\n"),
            ("\"a b\": 1\n", text("a b", "2"), "\"a b\": 2\n"),
            ("a: ä # ü\nb: x\n", text("b", "z"), "a: ä # ü\nb: z\n"),
            ("a: x:1\n", when("a", "regex:^x", "z"), "a: z:1\n"),
            ("a: 1\n", when("a", "1", "2"), "a: 2\n"),
            ("a: 1\n", when("b", "1", "2"), "a: 1\n"),
        ],
    );
    assert_eq!(warnings(Parser::Yaml, "a: {b: 1}\n", text("a", "1")), [WarningKind::Nested]);
    assert_eq!(warnings(Parser::Yaml, "x: &x 1\na: *x\n", text("a", "1")), [WarningKind::Alias]);
    assert_eq!(warnings(Parser::Yaml, "a: x\n", text("a.b", "1")), [WarningKind::InTheWay]);
    assert_eq!(warnings(Parser::Yaml, "a: 1\n", text("a", "x")), [WarningKind::Retyped]);
    // A key in the long form, with nothing behind it.
    assert_eq!(warnings(Parser::Yaml, "? b", text("a", "x")), [WarningKind::Unsure]);
    for (bad, line) in [("a: 1\nb: [1\n", 3), ("a: 1\n\tb: 2\n", 2), ("a: \"x\n", 2)] {
        match refused(Parser::Yaml, bad, text("a", "1")) {
            EditError::Syntax { line: found, .. } => assert!(found.abs_diff(line) <= 1, "{bad:?}: {found}"),
            other => panic!("{bad}: {other}"),
        }
    }
    assert!(apply(Parser::Yaml, "[".repeat(5000).as_bytes(), &[text("a", "1")]).is_err());
}

#[test]
fn xml() {
    let head = "<?xml version=\"1.0\"?>\n";
    check(
        Parser::Xml,
        &[
            ("", text("a.b", "x"), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>\n  <b>x</b>\n</a>\n"),
            ("<a><b>1</b></a>", text("a.b", "2"), "<a><b>2</b></a>"),
            ("<a><b/></a>", text("a.b", "x<&>"), "<a><b>x&lt;&amp;&gt;</b></a>"),
            ("<a><b c='1' /></a>", text("a.b", "x"), "<a><b c='1'>x</b></a>"),
            ("<a>\r\n  <b>1</b>\r\n</a>", text("a.c", "x"), "<a>\r\n  <b>1</b>\r\n  <c>x</c>\r\n</a>"),
            (
                "<a>\n  <b>\n  </b>\n</a>",
                text("a.b.c.d", "x"),
                "<a>\n  <b>\n    <c>\n      <d>x</d>\n    </c>\n  </b>\n</a>",
            ),
            ("<a><b><!-- why -->1</b></a>", text("a.b", "2"), "<a><b><!-- why -->2</b></a>"),
            ("<a><b><![CDATA[1]]></b></a>", text("a.b", "2"), "<a><b>2</b></a>"),
            ("<a><b x=\"1\"/></a>", text("a.b", "[x='2']"), "<a><b x=\"2\"/></a>"),
            ("<a><b/></a>", text("a.b", "[x='\"']"), "<a><b x=\"&quot;\"/></a>"),
            ("<a/>", text("a.b", "[x='1']"), "<a>\n  <b x=\"1\"/>\n</a>"),
            (
                "<s><p name=\"A\" value='1'/><p name=\"B\" value='1'/></s>",
                text("s.p[@name='B']", "[value='2']"),
                "<s><p name=\"A\" value='1'/><p name=\"B\" value='2'/></s>",
            ),
            (
                "<s>\n\t<p name=\"A\" value=\"1\"/>\n</s>",
                text("s.p[@name='B']", "[value='2']"),
                "<s>\n\t<p name=\"A\" value=\"1\"/>\n\t<p name=\"B\" value=\"2\"/>\n</s>",
            ),
            ("<s><p>1</p><p>2</p></s>", text("s.p[2]", "3"), "<s><p>1</p><p>3</p></s>"),
            ("<s><p><q>1</q></p><r><q>2</q></r></s>", text("s.*.q", "3"), "<s><p><q>3</q></p><r><q>3</q></r></s>"),
            ("<a><b>x:1</b></a>", when("a.b", "regex:^x", "y"), "<a><b>y:1</b></a>"),
            ("<a><b>1</b></a>", when("a.b", "2", "3"), "<a><b>1</b></a>"),
            ("<a><b v=\"1\"/></a>", when("a.b", "1", "[v='2']"), "<a><b v=\"2\"/></a>"),
            (
                &format!("{head}<!DOCTYPE a [<!ENTITY x \"]>\">]>\n<a>&x;<!-- <a> --></a>\n"),
                text("a", "1"),
                &format!("{head}<!DOCTYPE a [<!ENTITY x \"]>\">]>\n<a>1<!-- <a> --></a>\n"),
            ),
        ],
    );
    assert_eq!(warnings(Parser::Xml, "<a><b><c/></b></a>", text("a.b", "1")), [WarningKind::Nested]);
    assert_eq!(warnings(Parser::Xml, "<a>x</a>", text("a.b", "1")), [WarningKind::InTheWay]);
    assert_eq!(warnings(Parser::Xml, "<a/>", text("b.c", "1")), [WarningKind::InTheWay]);
    assert_eq!(warnings(Parser::Xml, "<a><b/><b/></a>", text("a.b", "1")), [WarningKind::Several(2)]);
    assert_eq!(refused(Parser::Xml, "<a/>", text("a", "\u{1}")).code(), "edit.value");
    for (bad, line) in [
        ("<a>\n</b>", 2),
        ("<a", 1),
        ("<a x=1/>", 1),
        ("<a/><b/>", 1),
        ("<a/>\nx", 2),
        ("<a>", 1),
        ("<!-- ", 1),
        ("<1/>", 1),
    ] {
        match refused(Parser::Xml, bad, text("a", "1")) {
            EditError::Syntax { line: found, .. } => assert_eq!(found, line, "{bad}"),
            other => panic!("{bad}: {other}"),
        }
    }
    for bad in ["", "a..b", "a.<b", "*.*", "a[@x]", "a[0]", "a[@x=y]", "a]"] {
        assert_eq!(refused(Parser::Xml, "<a/>", text(bad, "1")).code(), "edit.key", "{bad}");
    }
}

#[test]
fn toml() {
    check(
        Parser::Toml,
        &[
            ("", text("a", "x"), "a = \"x\"\n"),
            ("", text("a.b.c", "x"), "[a.b]\nc = \"x\"\n"),
            ("a = 1 # why\n", text("a", "2"), "a = 2 # why\n"),
            ("a = \"1\"\r\n", text("a", "2"), "a = \"2\"\r\n"),
            ("a = 'x'\n", text("a", r"C:\y"), "a = 'C:\\y'\n"),
            ("a = 'x'\n", text("a", "it's"), "a = \"it's\"\n"),
            ("a = true\n", text("a", "false"), "a = false\n"),
            ("# top\na = 1\n\n[b]\nc = 1\n", text("d", "x"), "# top\na = 1\nd = \"x\"\n\n[b]\nc = 1\n"),
            ("[b]\nc = 1 # why\n\n[d]\n", text("b.e", "x"), "[b]\nc = 1 # why\ne = \"x\"\n\n[d]\n"),
            ("[b]\nc = 1\n", text("b.e.f", "x"), "[b]\nc = 1\ne.f = \"x\"\n"),
            ("[d]\n", text("d.e", "x"), "[d]\ne = \"x\"\n"),
            ("[a.b]\nx = 1\n", text("a.c", "x"), "[a.b]\nx = 1\n\n[a]\nc = \"x\"\n"),
            ("a.b = 1\nc = 2\n", text("a.d", "x"), "a.b = 1\na.d = \"x\"\nc = 2\n"),
            ("a = { b = 1 }\n", text("a.c", "x"), "a = { b = 1, c = \"x\" }\n"),
            ("a = {}\n", text("a.c", "x"), "a = { c = \"x\" }\n"),
            ("a = [1, 2]\n", text("a[1]", "3"), "a = [1, 3]\n"),
            ("a = [1, 2]\n", integer("a[2]", 3), "a = [1, 2, 3]\n"),
            ("[[s]]\np = 1\n[[s]]\np = 2\n", text("s[1].p", "3"), "[[s]]\np = 1\n[[s]]\np = 3\n"),
            ("[[s]]\np = 1\n[[s]]\np = 2\n", text("s.*.q", "x"), "[[s]]\np = 1\nq = \"x\"\n[[s]]\np = 2\nq = \"x\"\n"),
            ("\"a b\" = 1\n", text("a b", "2"), "\"a b\" = 2\n"),
            ("a = \"x:1\"\n", when("a", "regex:^x", "y"), "a = \"y:1\"\n"),
            ("a = 1\n", when("b", "1", "2"), "a = 1\n"),
        ],
    );
    assert_eq!(warnings(Parser::Toml, "[a]\n", text("a", "1")), [WarningKind::Nested]);
    assert_eq!(warnings(Parser::Toml, "a = 1\n", text("a.b", "1")), [WarningKind::InTheWay]);
    match refused(Parser::Toml, "a = 1\nb = \n", text("a", "1")) {
        EditError::Syntax { line, .. } => assert_eq!(line, 2),
        other => panic!("{other}"),
    }
}

#[test]
fn bounds() {
    let long = vec![b'x'; sf_edits::FILE_MAX + 1];
    assert_eq!(apply(Parser::File, &long, &[]).unwrap_err().code(), "edit.too_large");
    let keys = vec![text("a", "b"); sf_edits::KEYS_MAX + 1];
    assert_eq!(apply(Parser::File, b"", &keys).unwrap_err().code(), "edit.too_many");
    assert_eq!(refused(Parser::Json, "{}", text("a", &"x".repeat(sf_edits::VALUE_MAX + 1))).code(), "edit.value");
    assert_eq!(refused(Parser::Json, "{}", text("a", "\0")).code(), "edit.value");
    assert_eq!(refused(Parser::Json, "{}", when("a", "regex:(", "x")).code(), "edit.condition");
    assert_eq!(apply(Parser::Yaml, b"\xff", &[]).unwrap_err().code(), "edit.not_text");
    // Looked through once, not once for each of its bytes.
    let text_of = |part: &str| part.repeat((1 << 20) / part.len());
    for (parser, long) in [
        (Parser::Xml, format!("<a x='{0}'>{0}</a>", text_of("&"))),
        (Parser::Json, format!("{{\"b\": [{}1]}}", text_of("/**/1,"))),
        (Parser::Yaml, text_of("k: |\n  v\n")),
        (Parser::Toml, text_of("[[t]]\nx = 1\n")),
        (Parser::Ini, text_of("\"; [\n")),
        (Parser::Properties, text_of("\\\n")),
        (Parser::File, text_of("b\n")),
    ] {
        apply(parser, long.as_bytes(), &[text("a", "1")]).unwrap();
    }
    let many = apply(Parser::Json, format!("[{}1]", "1,".repeat(1000)).as_bytes(), &[text("*", "x")]).unwrap();
    assert_eq!(many.warnings.len(), 1);
}
