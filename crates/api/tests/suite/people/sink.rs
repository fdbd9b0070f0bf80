//! A mail server for tests: it speaks SMTP on a port of its own, in the clear, behind STARTTLS or under TLS from the
//! first byte, asks for a sign-in where told to, and keeps what it is given.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sf_control::{MailOptions, Security};
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A letter as it arrived.
#[derive(Debug)]
pub struct Letter {
    /// Whom the envelope names.
    pub to: Vec<String>,
    bytes: Vec<u8>,
}

impl Letter {
    pub fn header(&self, name: &str) -> String {
        use mailparse::MailHeaderMap;
        let mail = mailparse::parse_mail(&self.bytes).unwrap();
        mail.headers.get_first_value(name).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        mailparse::parse_mail(&self.bytes).unwrap().subparts[0].get_body().unwrap()
    }

    /// The secret behind the `#` of its link.
    pub fn secret(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once('#').unwrap_or_else(|| panic!("a link: {text}"));
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

/// Who may send, and by which mechanism they say so.
#[derive(Clone, Copy, Debug)]
pub struct SignIn {
    pub user: &'static str,
    pub password: &'static str,
    /// `PLAIN` or `LOGIN`, as the server offers it.
    pub mechanism: &'static str,
}

#[derive(Debug, Default)]
struct Mood {
    /// What the next letters are answered with, instead of being taken.
    refusals: Mutex<VecDeque<&'static str>>,
    sign_in: Mutex<Option<SignIn>>,
    /// It takes connections and says nothing.
    hangs: AtomicBool,
    /// Connections so far.
    met: AtomicUsize,
}

/// When TLS begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begins {
    Never,
    AfterStarttls,
    AtOnce,
}

pub struct Sink {
    port: u16,
    mood: Arc<Mood>,
    letters: mpsc::UnboundedReceiver<Letter>,
    certificate: Option<PathBuf>,
    begins: Begins,
    _folder: tempfile::TempDir,
}

impl Sink {
    pub async fn plain(tasks: &Tasks) -> Self {
        Self::start(tasks, Begins::Never).await
    }

    pub async fn starttls(tasks: &Tasks) -> Self {
        Self::start(tasks, Begins::AfterStarttls).await
    }

    /// As servers do on port 465.
    pub async fn tls(tasks: &Tasks) -> Self {
        Self::start(tasks, Begins::AtOnce).await
    }

    async fn start(tasks: &Tasks, begins: Begins) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (folder, mood) = (tempfile::tempdir().unwrap(), Arc::new(Mood::default()));
        let (give, letters) = mpsc::unbounded_channel();
        let (mut certificate, mut acceptor) = (None, None);
        if begins != Begins::Never {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let path = folder.path().join("sink.pem");
            std::fs::write(&path, made.cert.pem()).unwrap();
            let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let config = config.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
            (certificate, acceptor) = (Some(path), Some(TlsAcceptor::from(Arc::new(config.unwrap()))));
        }
        let (mine, owner) = (mood.clone(), tasks.clone());
        tasks.spawn("mail sink", OnError::Log, async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mood, give, acceptor) = (mine.clone(), give.clone(), acceptor.clone());
                owner.spawn("mail sink connection", OnError::Log, async move {
                    mood.met.fetch_add(1, Ordering::Relaxed);
                    if mood.hangs.load(Ordering::Relaxed) {
                        // Held open until the other side gives up.
                        let mut stream = stream;
                        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
                        return Ok(());
                    }
                    if let (Begins::AtOnce, Some(acceptor)) = (begins, &acceptor) {
                        let mut stream = BufReader::new(acceptor.accept(stream).await?);
                        stream.write_all(b"220 sink\r\n").await?;
                        return talk(&mut stream, &mood, &give, false).await.map(drop);
                    }
                    let mut stream = BufReader::new(stream);
                    stream.write_all(b"220 sink\r\n").await?;
                    let upgrade = talk(&mut stream, &mood, &give, acceptor.is_some()).await?;
                    if let (true, Some(acceptor)) = (upgrade, acceptor) {
                        let stream = acceptor.accept(stream.into_inner()).await?;
                        talk(&mut BufReader::new(stream), &mood, &give, false).await?;
                    }
                    Ok::<(), std::io::Error>(())
                });
            }
            Ok::<(), std::io::Error>(())
        });
        Self { port, mood, letters, certificate, begins, _folder: folder }
    }

    /// What a control plane is told to send by it.
    pub fn options(&self) -> MailOptions {
        let security = match self.begins {
            Begins::Never => Security::None,
            Begins::AfterStarttls => Security::Starttls,
            Begins::AtOnce => Security::Tls,
        };
        MailOptions {
            host: "localhost".to_owned(),
            port: Some(self.port),
            security,
            user: None,
            password: None,
            from: "ServerFlow <serverflow@example.org>".to_owned(),
            ca: self.certificate.clone(),
            send_within: sf_control::mail::SEND_TIMEOUT,
        }
    }

    /// The same, signing in as this.
    pub fn options_as(&self, user: &str, password: &str) -> MailOptions {
        let password = Some(sf_types::Secret::new(password.to_owned()));
        MailOptions { user: Some(user.to_owned()), password, ..self.options() }
    }

    /// Takes letters of this one alone from now on.
    pub fn ask(&self, sign_in: Option<SignIn>) {
        *self.mood.sign_in.lock().unwrap() = sign_in;
    }

    /// Says nothing any more to whoever connects, or speaks again.
    pub fn hang(&self, hangs: bool) {
        self.mood.hangs.store(hangs, Ordering::Relaxed);
    }

    /// How many connections came.
    pub fn met(&self) -> usize {
        self.mood.met.load(Ordering::Relaxed)
    }

    /// Answers the next letters with these instead of taking them.
    pub fn refuse(&self, answers: &[&'static str]) {
        self.mood.refusals.lock().unwrap().extend(answers);
    }

    /// The next letter.
    pub async fn next(&mut self) -> Letter {
        tokio::time::timeout(PATIENCE, self.letters.recv()).await.expect("a letter in time").unwrap()
    }

    /// Letters that have arrived and were not looked at.
    pub fn unread(&self) -> usize {
        self.letters.len()
    }
}

/// One conversation; answers whether it goes on under TLS.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    mood: &Mood,
    give: &mpsc::UnboundedSender<Letter>,
    offers_tls: bool,
) -> std::io::Result<bool> {
    let (mut to, mut knows) = (Vec::new(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let asks = *mood.sign_in.lock().unwrap();
        let verb = line.trim_end().to_ascii_uppercase();
        let answer = match verb.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" if offers_tls => "250-sink\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            "EHLO" if asks.is_some() => {
                let mechanism = asks.map_or("", |asks| asks.mechanism);
                stream.write_all(format!("250-sink\r\n250-8BITMIME\r\n250 AUTH {mechanism}\r\n").as_bytes()).await?;
                continue;
            }
            "EHLO" => "250-sink\r\n250 8BITMIME\r\n",
            "AUTH" if offers_tls => "538 under TLS only\r\n",
            "AUTH" => {
                let (user, password) = credentials(stream, line.trim_end()).await?;
                knows = asks.is_some_and(|asks| (asks.user, asks.password) == (user.as_str(), password.as_str()));
                if knows { "235 welcome\r\n" } else { "535 5.7.8 not with these\r\n" }
            }
            "STARTTLS" if offers_tls => {
                stream.write_all(b"220 go on\r\n").await?;
                return Ok(true);
            }
            // Who has to go on under TLS and does not is not served.
            "MAIL" if offers_tls => "530 STARTTLS first\r\n",
            "MAIL" if asks.is_some() && !knows => "530 5.7.0 sign in first\r\n",
            "MAIL" => {
                to.clear();
                "250 ok\r\n"
            }
            "RCPT" => match mood.refusals.lock().unwrap().pop_front() {
                Some(refusal) => refusal,
                None => {
                    to.push(line.split(['<', '>']).nth(1).unwrap_or_default().to_owned());
                    "250 ok\r\n"
                }
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let bytes = body(stream).await?;
                drop(give.send(Letter { to: std::mem::take(&mut to), bytes }));
                "250 taken\r\n"
            }
            "RSET" | "NOOP" => "250 ok\r\n",
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(false);
            }
            _ => "500 what?\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// What somebody signs in with. Source: RFC 4616 (PLAIN); LOGIN is as clients do it.
async fn credentials<S>(stream: &mut BufReader<S>, line: &str) -> std::io::Result<(String, String)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let plain = |text: &str| String::from_utf8(STANDARD.decode(text.trim()).unwrap()).unwrap();
    let mut words = line.split(' ').skip(1);
    match (words.next(), words.next()) {
        (Some("PLAIN"), Some(all)) => {
            let all = plain(all);
            let mut parts = all.split('\0').skip(1).map(str::to_owned);
            Ok((parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
        }
        (Some("LOGIN"), None) => {
            let mut answers = Vec::new();
            for question in ["Username:", "Password:"] {
                stream.write_all(format!("334 {}\r\n", STANDARD.encode(question)).as_bytes()).await?;
                let mut answer = String::new();
                stream.read_line(&mut answer).await?;
                answers.push(plain(&answer));
            }
            Ok((answers.remove(0), answers.remove(0)))
        }
        other => panic!("no such sign-in: {other:?}"),
    }
}

/// Up to the line with the dot alone; doubled dots are one. Source: RFC 5321, section 4.5.2.
async fn body<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await? == 0 || line == b".\r\n" {
            return Ok(bytes);
        }
        bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
