//! The text of an nginx configuration, made of typed parts. Names of directives and words are this program's own; everything
//! else is a value of a type that cannot hold what nginx would understand: no text of a person is pasted.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sf_protocol::site::UrlPath;
use sf_types::{AppId, ByteSize, DomainName, Port};

/// A path that cannot stand in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} cannot stand in an nginx configuration: it holds a control character, a quote, `$`, `\\` or bytes that are no UTF-8", .0.display())]
pub struct Unwritable(pub PathBuf);

/// One argument of a directive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    /// A word of this program.
    Word(&'static str),
    /// A number.
    Number(u64),
    /// Bytes.
    Bytes(ByteSize),
    /// A host name.
    Domain(DomainName),
    /// The request's own path at another host, encrypted; its port is written where it is not the usual one.
    To(DomainName, Port),
    /// The same, not encrypted.
    ToPlain(DomainName, Port),
    /// The same address, encrypted.
    Secure(Port),
    /// A path of a request.
    Url(UrlPath),
    /// A path of a request and everything below it.
    Below(UrlPath),
    /// A hidden path of our own: 32 hex digits.
    Hidden(u128),
    /// Port on all addresses.
    Port(Port),
    /// Port on all IPv6 addresses.
    Port6(Port),
    /// Port on this machine only.
    Local(Port),
    /// The group of servers that is an app.
    App(AppId),
    /// The same as an address.
    AtApp(AppId),
    /// A file or folder.
    Path(PathBuf),
    /// A folder that ends with a slash.
    Folder(PathBuf),
    /// Every configuration file of a folder.
    Confs(PathBuf),
}

impl Arg {
    fn write(&self, text: &mut String) -> Result<(), Unwritable> {
        // Writing into a String does not fail.
        let _ = match self {
            Self::Word(word) => write!(text, "{word}"),
            Self::Number(number) => write!(text, "{number}"),
            Self::Bytes(bytes) => write!(text, "{}", bytes.bytes()),
            Self::Domain(domain) => write!(text, "{domain}"),
            Self::To(domain, port) => write!(text, "https://{domain}{}$request_uri", unusual(*port, Port::HTTPS)),
            Self::ToPlain(domain, port) => write!(text, "http://{domain}{}$request_uri", unusual(*port, Port::HTTP)),
            Self::Secure(port) => write!(text, "https://$host{}$request_uri", unusual(*port, Port::HTTPS)),
            Self::Url(path) => write!(text, "{}", path.as_str()),
            Self::Below(path) => write!(text, "{}/", path.as_str()),
            Self::Hidden(token) => write!(text, "{}", hidden(*token)),
            Self::Port(port) => write!(text, "{port}"),
            Self::Port6(port) => write!(text, "[::]:{port}"),
            Self::Local(port) => write!(text, "127.0.0.1:{port}"),
            Self::App(app) => write!(text, "serverflow_{}", app.uuid().simple()),
            Self::AtApp(app) => write!(text, "http://serverflow_{}", app.uuid().simple()),
            Self::Path(path) => write!(text, "\"{}\"", writable(path)?),
            Self::Folder(path) => write!(text, "\"{}/\"", writable(path)?),
            Self::Confs(path) => write!(text, "\"{}/*.conf\"", writable(path)?),
        };
        Ok(())
    }
}

/// A path of our own that nobody guesses.
pub fn hidden(token: u128) -> String {
    format!("/.well-known/serverflow-{token:032x}")
}

fn unusual(port: Port, usual: Port) -> String {
    if port == usual { String::new() } else { format!(":{port}") }
}

/// A path as it can stand between quotes.
///
/// # Errors
/// [`Unwritable`].
pub fn writable(path: &Path) -> Result<&str, Unwritable> {
    let text = path.to_str().ok_or_else(|| Unwritable(path.to_owned()))?;
    let is_odd = |character: char| character.is_control() || matches!(character, '"' | '\'' | '$' | '\\');
    if text.chars().any(is_odd) { Err(Unwritable(path.to_owned())) } else { Ok(text) }
}

/// One directive, with what is between its braces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    name: &'static str,
    args: Vec<Arg>,
    block: Option<Vec<Self>>,
}

/// `name args;`
pub fn say(name: &'static str, args: impl IntoIterator<Item = Arg>) -> Directive {
    Directive { name, args: args.into_iter().collect(), block: None }
}

/// `name words;`
pub fn words<const N: usize>(name: &'static str, words: [&'static str; N]) -> Directive {
    say(name, words.map(Arg::Word))
}

/// `name args { … }`
pub fn block(name: &'static str, args: impl IntoIterator<Item = Arg>, inside: Vec<Directive>) -> Directive {
    Directive { name, args: args.into_iter().collect(), block: Some(inside) }
}

/// The whole as text.
///
/// # Errors
/// [`Unwritable`].
pub fn text(directives: &[Directive]) -> Result<String, Unwritable> {
    let mut text = "# Written by serverflow-agent; it is written anew with every change.\n".to_owned();
    write_all(directives, 0, &mut text)?;
    Ok(text)
}

fn write_all(directives: &[Directive], depth: usize, text: &mut String) -> Result<(), Unwritable> {
    for directive in directives {
        text.extend(std::iter::repeat_n("  ", depth));
        text.push_str(directive.name);
        for arg in &directive.args {
            text.push(' ');
            arg.write(text)?;
        }
        match &directive.block {
            None => text.push_str(";\n"),
            Some(inside) => {
                text.push_str(" {\n");
                write_all(inside, depth + 1, text)?;
                text.extend(std::iter::repeat_n("  ", depth));
                text.push_str("}\n");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_nginx_would_read_otherwise_is_refused() {
        for bad in ["/a\"b", "/a$b", "/a\nb", "/a\\b", "/a'b", "/a\u{7f}b"] {
            let said = text(&[say("root", [Arg::Path(bad.into())])]);
            assert_eq!(said, Err(Unwritable(bad.into())));
        }
        let said = text(&[say("root", [Arg::Path("/srv/a b;{}".into())])]).unwrap();
        assert!(said.ends_with("root \"/srv/a b;{}\";\n"), "{said}");
    }

    #[test]
    fn blocks_are_nested() {
        let inside = vec![say("return", [Arg::Number(204)])];
        let said = text(&[block("location", [Arg::Word("="), Arg::Hidden(7)], inside)]).unwrap();
        let lines: Vec<_> = said.lines().skip(1).collect();
        let expected = ["location = /.well-known/serverflow-00000000000000000000000000000007 {", "  return 204;", "}"];
        assert_eq!(lines, expected);
    }
}
