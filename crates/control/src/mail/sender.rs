//! The connection to the mail server.

use std::time::{Duration, SystemTime};

use lettre::message::{Mailbox, MessageBuilder, MultiPart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use uuid::Uuid;

use super::letter::Letter;
use super::settings::{MailOptions, Security, is_loopback};

/// Time the server gets to take one letter.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of a server's refusal that are kept.
const MAX_REASON_CHARS: usize = 300;

/// Answers that are about who sends, not about the letter: it goes when the settings are right again. Source: RFC 4954,
/// sections 4 and 6 (530 sign in first, 534 mechanism too weak, 535 wrong, 538 needs TLS), RFC 3207 (530).
const SIGN_IN_CODES: [u16; 4] = [530, 534, 535, 538];

/// Why a letter did not go. The reason names no person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Undelivered {
    /// It never will.
    Never(String),
    /// It may, later.
    Later(String),
}

/// Sends letters.
#[derive(Debug)]
pub(super) struct Sender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    host: String,
    within: Duration,
}

/// Says that no person wrote it, so that no out-of-office note answers. Source: RFC 3834 section 5.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Sender {
    /// Checks the settings; connects to nobody yet. The error says which of them is wrong.
    pub(super) fn new(options: &MailOptions) -> Result<Self, String> {
        let from: Mailbox = options.from.parse().map_err(|error| format!("mail.from is no sender: {error}"))?;
        let within = options.send_within.min(SEND_TIMEOUT);
        let port = options.port.unwrap_or(options.security.port());
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&options.host)
            .port(port)
            .timeout(Some(within))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        builder = match options.security {
            Security::Starttls => builder.tls(Tls::Required(tls(options)?)),
            Security::Tls => builder.tls(Tls::Wrapper(tls(options)?)),
            Security::None if is_loopback(&options.host) => builder.tls(Tls::None),
            Security::None => {
                return Err(format!(
                    "mail.security `none` is for a server on this machine, and `{}` is not",
                    options.host
                ));
            }
        };
        builder = match (&options.user, &options.password) {
            (Some(user), Some(password)) => {
                builder.credentials(Credentials::new(user.clone(), password.expose().clone()))
            }
            (None, None) => builder,
            _ => return Err("mail.user needs its password, and a password its user".to_owned()),
        };
        Ok(Self { transport: builder.build(), from, host: options.host.clone(), within })
    }

    /// The server's name.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The sender as people see it.
    pub(super) fn from(&self) -> String {
        self.from.to_string()
    }

    /// Sends one letter. The same id makes the same message: a server that has it drops the second.
    pub(super) async fn send(&self, letter: &Letter, id: Uuid) -> Result<(), Undelivered> {
        let message = message(&self.from, letter, id).map_err(Undelivered::Never)?;
        match tokio::time::timeout(self.within, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(undelivered(&error)),
            Err(_) => Err(Undelivered::Later(format!(
                "the server took longer than {} s; check mail.port and mail.security",
                self.within.as_secs_f32()
            ))),
        }
    }
}

/// What a failure says, and whether another try may help.
fn undelivered(error: &lettre::transport::smtp::Error) -> Undelivered {
    let code = error.status().map(u16::from);
    if let Some(code) = code.filter(|code| SIGN_IN_CODES.contains(code)) {
        let said = without_people(&error.to_string());
        return Undelivered::Later(format!(
            "the server wants another sign-in: check mail.user and its password ({code}: {said})"
        ));
    }
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error).filter(|_| !error.is_permanent());
    while let Some(cause) = source {
        let said = cause.to_string();
        if !reason.contains(&said) {
            reason = format!("{reason}: {said}");
        }
        source = cause.source();
    }
    let mut reason = without_people(&reason);
    if error.is_tls() || reason.contains("certificate") {
        reason = format!("{reason}; check mail.host, and mail.ca where its certificate is your own authority's");
    } else if error.is_timeout() {
        reason = format!("{reason}; check mail.port and mail.security");
    }
    if error.is_permanent() { Undelivered::Never(reason) } else { Undelivered::Later(reason) }
}

fn tls(options: &MailOptions) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(options.host.clone());
    if let Some(path) = &options.ca {
        let pem = std::fs::read(path).map_err(|error| format!("mail.ca, {}: {error}", path.display()))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| format!("mail.ca, {}: {error}", path.display()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| format!("mail.host: {error}"))
}

/// The letter as it is sent: text and HTML that say the same.
pub(super) fn message(from: &Mailbox, letter: &Letter, id: Uuid) -> Result<Message, String> {
    let to: Address = letter.to.parse().map_err(|error| format!("the address cannot be written to: {error}"))?;
    let millis = u64::try_from(letter.made_at.as_millis()).unwrap_or(0);
    let builder: MessageBuilder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(AutoSubmitted);
    let body = MultiPart::alternative_plain_html(letter.text(), letter.html());
    builder.multipart(body).map_err(|error| format!("the letter cannot be written: {error}"))
}

/// A server's words without the addresses in them, one line.
fn without_people(reason: &str) -> String {
    let words = reason.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(|word| if word.contains('@') { "(address)" } else { word }).collect();
    words.join(" ").chars().take(MAX_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::letter;
    use proptest::prelude::*;
    use sf_types::Timestamp;

    fn options() -> MailOptions {
        MailOptions {
            host: "smtp.example.org".into(),
            port: None,
            security: Security::Starttls,
            user: None,
            password: None,
            from: "ServerFlow <serverflow@example.org>".into(),
            ca: None,
            send_within: SEND_TIMEOUT,
        }
    }

    #[test]
    fn settings_that_would_show_a_letter_or_make_no_sense_are_refused() {
        let secret = || Some(sf_types::Secret::new("x".to_owned()));
        for (options, expected) in [
            (options(), None),
            (MailOptions { security: Security::Tls, ..options() }, None),
            (MailOptions { security: Security::None, host: "127.0.0.1".into(), ..options() }, None),
            (MailOptions { security: Security::None, ..options() }, Some("mail.security")),
            (MailOptions { from: "nobody".into(), ..options() }, Some("mail.from")),
            (MailOptions { user: Some("a".into()), ..options() }, Some("mail.user")),
            (MailOptions { password: secret(), ..options() }, Some("mail.user")),
            (MailOptions { user: Some("a".into()), password: secret(), ..options() }, None),
            (MailOptions { ca: Some("/absent.pem".into()), ..options() }, Some("/absent.pem")),
        ] {
            match (Sender::new(&options), expected) {
                (Ok(_), None) => {}
                (Err(why), Some(part)) => assert!(why.contains(part), "{why}"),
                (got, want) => panic!("{options:?}: {got:?}, expected {want:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_names_no_person() {
        let said = "permanent error (550): 5.1.1 <ada@example.org>: user\r\nunknown, ask postmaster@example.org";
        assert_eq!(without_people(said), "permanent error (550): 5.1.1 (address) user unknown, ask (address)");
    }

    proptest! {
        /// Whatever people are called, a letter has the headers we gave it and no other, and its two parts.
        #[test]
        fn names_change_no_header(name in "(\\PC|[\r\n\t\0<>&\"'\u{202e}]){0,40}", team in "(\\PC|[\r\n:]|\r\nBcc: eve@example.org\r\n\r\n){0,20}") {
            let from: Mailbox = options().from.parse().unwrap();
            let now = Timestamp::from_millis(1_795_242_461_007);
            let to = "ada@example.org".parse().unwrap();
            let written = letter::invitation(&to, &name, &team, "https://panel.example.org/invitation#sfi_x", now, now);
            let bytes = message(&from, &written, Uuid::from_u128(7)).unwrap().formatted();
            let mail = mailparse::parse_mail(&bytes).unwrap();
            let mut names: Vec<_> = mail.headers.iter().map(|header| header.get_key().to_lowercase()).collect();
            names.sort();
            prop_assert_eq!(names, ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"]);
            prop_assert_eq!(mail.subparts.len(), 2);
            let html = mail.subparts[1].get_body().unwrap();
            prop_assert_eq!(html.matches('<').count(), html.matches("<p").count() + html.matches("</p>").count()
                + html.matches("<a ").count() + html.matches("</a>").count() + html.matches("<!doctype").count()
                + html.matches("<html").count() + html.matches("</html>").count() + html.matches("<meta").count()
                + html.matches("<body").count() + html.matches("</body>").count());
            prop_assert_eq!(html.matches("<a ").count(), 1);
            prop_assert!(mail.subparts[0].get_body().unwrap().contains("#sfi_x"));
        }
    }
}
