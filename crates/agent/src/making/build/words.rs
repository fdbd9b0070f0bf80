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
    if text.len() > COMMAND_BYTES {
        return Err(format!("the command is longer than {COMMAND_BYTES} bytes"));
    }
    if let Some(c) = text.trim().chars().find(|c| SHELL_ONLY.contains(c)) {
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
    fn what_needs_a_shell_is_refused_with_a_way_out() {
        for text in ["a; b", "a | b", "a && b", "a $HOME", "a > b", "a < b", "a `b`", "a '$x'", "a\nb"] {
            assert!(split(text).unwrap_err().contains("script file"), "{text}");
        }
        for text in ["a 'b", "a \"b", "a \\"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
