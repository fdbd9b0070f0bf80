use super::*;

fn rules(text: &str) -> Rules {
    Rules::parse(&split(text))
}

/// What is wrong with a value, in one line.
fn check(text: &str, value: &str, expected: &str) {
    let verdict = rules(text).check(value);
    assert_eq!(verdict.wrong.join("; "), expected, "{text} / {value:?}");
    assert_eq!(verdict.unchecked, Vec::<String>::new(), "{text}");
}

#[test]
fn values_are_judged_in_plain_words() {
    for (text, value, expected) in [
        ("required|string|max:5", "", "it must be given"),
        ("required|string|max:5", "  ", "it must be given"),
        ("required|string|max:5", "abcdef", "it must be at most 5 characters long"),
        ("required|string|max:5", "äöüäö", ""),
        ("nullable|integer|gt:0", "", ""),
        ("nullable|integer|gt:0", "0", "it must be more than 0"),
        ("nullable|integer|gt:0", "1", ""),
        ("required|integer|between:1,256", "300", "it must be between 1 and 256"),
        ("required|integer|between:1,256", "12a", "it must be a whole number"),
        ("required|int|max:128", "128", ""),
        ("integer", "007", "it must be a whole number"),
        ("integer", "-1", ""),
        ("integer", "99999999999999999999", "it must be a whole number"),
        ("numeric|max:65535", "65536", "it must be at most 65535"),
        ("numeric", "1.5e3", ""),
        ("numeric", "0x10", "it must be a number"),
        ("numeric", "inf", "it must be a number"),
        ("numeric", "NaN", "it must be a number"),
        ("required|numeric|digits_between:1,5", "123456", "it must be a number of 1 to 5 digits"),
        ("digits:4", "12a4", "it must be a number of 4 digits"),
        ("alpha_num|between:1,6", "latest", ""),
        (
            "alpha_num|between:1,6",
            "latest-1",
            "it must be of letters and digits; it must be between 1 and 6 characters long",
        ),
        ("string|alpha_dash", "gm_flat-grass", ""),
        ("string|alpha_dash", "gm flat", "it must be of letters, digits, - and _"),
        ("nullable|string|alpha_num|size:32", "abc", "it must be exactly 32 characters long"),
        ("required|boolean", "true", "it must be 1 or 0"),
        ("required|boolean", "0", ""),
        ("required|string|in:true,false", "yes", "it must be one of `true`, `false`"),
        ("required|string|in:443030", "1", "it must be `443030`"),
        ("in:\"a,b\",c", "a,b", ""),
        ("in:\"a\"\"b\",c", "a\"b", ""),
        ("not_in:root,admin", "root", "it must not be `root`, `admin`"),
        ("nullable|url", "http://pterodactyl.io", ""),
        ("nullable|url", "javascript:alert(1)", "it must be an address such as https://example.org/file"),
        ("nullable|url", "http://", "it must be an address such as https://example.org/file"),
        ("url", "http://a b", "it must be an address such as https://example.org/file"),
        ("required|regex:/^([\\w\\d._-]+)(\\.jar)$/", "server.jar", ""),
        ("required|regex:/^([\\w\\d._-]+)(\\.jar)$/", "a;b.jar", "it must match /^([\\w\\d._-]+)(\\.jar)$/"),
        ("required|string|ends_with:.jar,.zip", "a.tar", "it must end with `.jar`, `.zip`"),
        ("min:3", "ab", "it must be at least 3 characters long"),
        ("present|nullable", "", ""),
        ("ipv4", "::1", "it must be an IPv4 address"),
        ("Required|AlphaDash", "a b", "it must be of letters, digits, - and _"),
    ] {
        check(text, value, expected);
    }
}

#[test]
fn what_is_not_understood_is_kept_and_said() {
    let rules = rules("required|confirmed|max:|between:1|in:|regex:/(?=a)/|digits_between:1,99999999999");
    let doubted: Vec<_> = rules.doubts().iter().map(|doubt| doubt.rule).collect();
    assert_eq!(doubted, [1, 2, 3, 5, 6], "{:?}", rules.doubts());
    let verdict = rules.check("x");
    assert_eq!(verdict.unchecked.len(), 5, "{verdict:?}");
    assert!(verdict.unchecked.contains(&"confirmed".to_owned()));
    assert!(rules.check("").unchecked.contains(&"confirmed".to_owned()), "also where nothing is given");
}

#[test]
fn a_field_fits_its_rules() {
    for (text, expected) in [
        ("required|boolean", Field::Switch),
        ("required|integer|min:1", Field::Number),
        ("required|string", Field::Text),
        ("in:a,b", Field::Choice { options: vec!["a".into(), "b".into()] }),
        ("required|string|in:443030", Field::Text),
    ] {
        assert_eq!(rules(text).field(), expected, "{text}");
    }
}
