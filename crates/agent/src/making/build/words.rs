//! Splitting a command written as one text, without a shell: quotes and backslashes group, nothing is expanded.

/// Longest command, in bytes of all its words.
pub const COMMAND_BYTES: usize = 16 * 1024;

/// Most words of a command.
pub const COMMAND_WORDS: usize = 256;

/// What a shell would do something with and we do not.
const SHELL_ONLY: &[char] = &[';', '|', '&', '$', '>', '<', '`', '\n', '\r', '\0'];

/// Splits by the rules of POSIX shells for quoting alone. Characters that only a shell understands are refused,
/// quoted or not, since whoever wrote them expects a shell.
///
/// # Errors
/// A sentence without its full stop: what is wrong and what to do.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    split_but(text, text)
}

/// As [`split`], for a command that starts an app: `$PORT`, `${PORT}` and `${PORT:-8000}` stay as they are, and become
/// the app's port when it is started ([`with_port`]).
///
/// # Errors
/// As [`split`].
pub fn split_start(text: &str) -> Result<Vec<String>, String> {
    split_but(text, &with_port(text, "0"))
}

/// Splits `text`, of which `judged` has to be free of what only a shell understands.
fn split_but(text: &str, judged: &str) -> Result<Vec<String>, String> {
    if text.len() > COMMAND_BYTES {
        return Err(format!("the command is longer than {COMMAND_BYTES} bytes"));
    }
    if let Some(c) = judged.trim().chars().find(|c| SHELL_ONLY.contains(c)) {
        let shown = c.escape_debug();
        return Err(format!(
            "the command holds `{shown}`, which only a shell understands; put it in a script file of the repository \
             and run that, such as [\"sh\", \"start.sh\"]"
        ));
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(chars.next().ok_or("the command ends with a backslash")?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if words.len() > COMMAND_WORDS {
        return Err(format!("the command has more than {COMMAND_WORDS} words"));
    }
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match chars.next() {
                Some(c @ ('"' | '\\')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(format!("a {quote} is not closed"))
}

/// Puts a port in the place of `$PORT`, `${PORT}` and `${PORT:-8000}`; everything else stays as it is.
pub fn with_port(text: &str, port: &str) -> String {
    const NAME: &str = "PORT";
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let braced = from.strip_prefix("${").and_then(|inner| inner.strip_prefix(NAME)).and_then(|after| {
            let (otherwise, after) = after.split_once('}')?;
            let digits = otherwise.strip_prefix(":-").or(Some(otherwise).filter(|none| none.is_empty()))?;
            digits.chars().all(|c| c.is_ascii_digit()).then_some(after)
        });
        let plain = from.strip_prefix('$').and_then(|name| name.strip_prefix(NAME));
        let plain = plain.filter(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        match braced.or(plain) {
            Some(after) => {
                filled.push_str(port);
                rest = after;
            }
            None => {
                filled.push('$');
                rest = &from[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// A command for reading: words that hold spaces are quoted.
pub fn show(argv: &[String]) -> String {
    let plain = |word: &String| !word.is_empty() && !word.chars().any(|c| c.is_whitespace() || c.is_control());
    let shown = argv.iter().map(|word| if plain(word) { word.clone() } else { format!("{word:?}") });
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_group_and_nothing_is_expanded() {
        for (text, expected) in [
            ("npm run build", &["npm", "run", "build"][..]),
            ("  a\t'b c'  \"d e\"f ", &["a", "b c", "d ef"]),
            (r#"a "\"x\" \y" '\z' \ b"#, &["a", "\"x\" \\y", "\\z", " b"]),
            ("a '' b", &["a", "", "b"]),
            ("echo * ~ #x !y", &["echo", "*", "~", "#x", "!y"]),
            ("", &[]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn the_port_is_the_one_variable_of_a_start_command() {
        for (text, filled) in [
            ("gunicorn -b :$PORT app", "gunicorn -b :8080 app"),
            ("x ${PORT} '$PORT' ${PORT:-3000}", "x 8080 '8080' 8080"),
            ("$PORTAL $POR ${PORTS} ${PORT:-$X} $", "$PORTAL $POR ${PORTS} ${PORT:-$X} $"),
            ("é$PORT€", "é8080€"),
        ] {
            assert_eq!(with_port(text, "8080"), filled, "{text}");
        }
        assert_eq!(split_start("a -b '0.0.0.0:$PORT'").unwrap(), ["a", "-b", "0.0.0.0:$PORT"]);
        for text in ["a $HOME", "a $PORT; b", "a ${PORT:-`b`}", "a $PORTAL"] {
            assert!(split_start(text).unwrap_err().contains("script file"), "{text}");
        }
    }

    #[test]
    fn what_needs_a_shell_is_refused_with_a_way_out() {
        for text in ["a; b", "a | b", "a && b", "a $HOME", "a > b", "a < b", "a `b`", "a '$x'", "a\nb"] {
            assert!(split(text).unwrap_err().contains("script file"), "{text}");
        }
        for text in ["a 'b", "a \"b", "a \\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
