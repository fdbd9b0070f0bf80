//! Programs that want to be let in: what they call themselves, and where an answer to them may be sent.

use serde::Deserialize;

/// Longest address of a program or of where it is answered, bytes.
pub const MAX_URI_BYTES: usize = 1024;
/// Addresses that one program may be answered at.
pub const MAX_REDIRECTS: usize = 20;
/// Characters of a program's name that are shown.
pub const MAX_NAME_CHARS: usize = 80;
/// Schemes of programs that are known to take their answer by one without a dot in it.
const NATIVE: [&str; 6] = ["cursor", "vscode", "vscode-insiders", "windsurf", "zed", "claude"];
/// Hosts that mean the person's own machine.
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// Why a program is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientRefusal {
    /// Its address.
    #[error("a program's address has to be an https URL with a path, without a fragment, a password or dot segments")]
    Address,
    /// Where it is to be answered.
    #[error("`{0}` is no address to answer at: https, http on this machine, or a scheme of the program's own")]
    Redirect(String),
    /// None, or too many of them.
    #[error("between 1 and {MAX_REDIRECTS} addresses to answer at are needed")]
    Redirects,
    /// It asks for a secret.
    #[error("only public programs are let in: `token_endpoint_auth_method` has to be `none`")]
    Method,
    /// Its document.
    #[error("the program's document cannot be read: {0}")]
    Document(String),
    /// Its document is another program's.
    #[error("the program's document names another program")]
    Other,
}

/// What a program says of itself. Source: RFC 7591 section 2, draft-ietf-oauth-client-id-metadata-document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// Its name, for people: claimed, not proven.
    pub name: String,
    /// Where it may be answered.
    pub redirects: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    client_id: Option<String>,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    client_secret: Option<serde::de::IgnoredAny>,
}

/// Whether a text can be the address of a program's document.
///
/// # Errors
/// [`ClientRefusal::Address`].
pub fn check_address(text: &str) -> Result<(), ClientRefusal> {
    let good = || {
        let (authority, path) = text.strip_prefix("https://")?.split_once('/')?;
        let is_plain = text.len() <= MAX_URI_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_bare = !authority.is_empty() && !authority.contains(['@', '\\', '?', '#']);
        let is_file = !path.is_empty() && !path.contains(['#', '\\', '?']);
        let dots = path.split('/').any(|part| matches!(part, "." | "..") || part.to_ascii_lowercase().contains("%2e"));
        (is_plain && is_bare && is_file && !dots).then_some(())
    };
    good().ok_or(ClientRefusal::Address)
}

/// The host of an address, as a person reads it; empty where it has none.
pub fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Reads a document that was fetched from `address`.
///
/// # Errors
/// [`ClientRefusal`].
pub fn read_document(address: &str, bytes: &[u8]) -> Result<Described, ClientRefusal> {
    let document: Document = parse(bytes)?;
    if document.client_id.as_deref() != Some(address) {
        return Err(ClientRefusal::Other);
    }
    if document.client_secret.is_some()
        || document.token_endpoint_auth_method.as_deref().is_some_and(|how| how != "none")
    {
        return Err(ClientRefusal::Method);
    }
    describe(document)
}

/// Reads what a program says of itself when it registers. A method it would rather use is not taken up: it is told so.
///
/// # Errors
/// [`ClientRefusal`].
pub fn read_registration(bytes: &[u8]) -> Result<Described, ClientRefusal> {
    describe(parse(bytes)?)
}

fn parse(bytes: &[u8]) -> Result<Document, ClientRefusal> {
    serde_json::from_slice(bytes).map_err(|error| ClientRefusal::Document(error.to_string()))
}

fn describe(document: Document) -> Result<Described, ClientRefusal> {
    let redirects = document.redirect_uris.unwrap_or_default();
    if redirects.is_empty() || redirects.len() > MAX_REDIRECTS {
        return Err(ClientRefusal::Redirects);
    }
    if let Some(bad) = redirects.iter().find(|uri| !may_be_answered(uri)) {
        return Err(ClientRefusal::Redirect(bad.chars().take(200).collect()));
    }
    Ok(Described { name: shown(&document.client_name.unwrap_or_default()), redirects })
}

/// A claimed name without what hides or turns text, cut to [`MAX_NAME_CHARS`].
fn shown(name: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let name: String = name.chars().filter(|c| !is_hidden(*c)).take(MAX_NAME_CHARS).collect();
    name.trim().to_owned()
}

/// Whether an answer may be sent to this address at all: by https, to the person's own machine, or to a scheme that a
/// program of it has taken (RFC 8252 section 7). Never to one that a browser runs or reads itself.
pub fn may_be_answered(uri: &str) -> bool {
    let is_plain = uri.len() <= MAX_URI_BYTES && uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !is_plain || uri.contains('#') {
        return false;
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let authority = host(uri);
    match scheme {
        "https" => rest.starts_with("//") && !authority.is_empty() && !authority.contains('@'),
        "http" => loopback(uri).is_some(),
        own => {
            let is_scheme =
                own.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
            let begins = own.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
            let is_taken = NATIVE.contains(&own) || own.contains('.');
            is_scheme && begins && is_taken && !authority.contains('@')
        }
    }
}

/// Whether `asked` is one of a program's addresses: the same text, but for the port on the person's own machine, which a
/// program takes as it finds it. Source: RFC 8252 section 7.3, OAuth 2.1 section 2.3.1.
pub fn is_listed(asked: &str, listed: &[String]) -> bool {
    let same = |own: &String| own == asked || (loopback(own).is_some() && loopback(own) == loopback(asked));
    may_be_answered(asked) && listed.iter().any(same)
}

/// An address on the person's own machine without its port: before it, and after it.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let (host, rest) = LOOPBACK.iter().find_map(|host| uri.strip_prefix(host).map(|rest| (*host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let end = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
            port[..end].parse::<u16>().ok().map(|_| &port[end..])?
        }
        None => rest,
    };
    matches!(rest.bytes().next(), None | Some(b'/' | b'?')).then_some((host, rest))
}

/// An address with more in its query.
pub fn with_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = uri.to_owned();
    for (nth, (name, value)) in pairs.iter().enumerate() {
        text.push(if nth == 0 && !uri.contains('?') { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
