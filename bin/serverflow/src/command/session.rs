//! `login` and `logout`.

mod device;

use std::io::Read;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::context::Context;
use crate::credentials::{Credentials, Stored};
use crate::failure::{Done, Exit, Failure};
use crate::value;

/// Days a stored token is valid.
const TOKEN_DAYS: u32 = 90;
/// Bytes of a password read from standard input at the most.
const MAX_PASSWORD_BYTES: u64 = 4096;

/// Arguments of `login`.
#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// Who; asked for when left out.
    email: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Read a token (`sf_…`) from standard input instead of signing in.
    #[arg(long, conflicts_with = "password_stdin")]
    token_stdin: bool,
    /// The code of an authenticator app, or a recovery code; asked for when it is needed and left out.
    #[arg(long, conflicts_with = "token_stdin")]
    code: Option<String>,
    /// Sign in through a browser elsewhere: prints an address and a code, and waits.
    #[arg(long, value_name = "URL", num_args = 0..=1, conflicts_with_all = ["email", "password_stdin", "token_stdin", "code"])]
    device: Option<Option<String>>,
}

/// Signs in, makes a CLI token and stores it.
///
/// # Errors
/// A wrong password, an unreachable control plane, an unwritable home.
pub async fn login(context: &Context, args: LoginArgs) -> Done {
    let client = match args.device.as_ref().and_then(Option::as_deref) {
        Some(url) => context.anonymous_at(url)?,
        None => context.anonymous()?,
    };
    let stored = if args.device.is_some() {
        make_token(&client, &device::sign_in(&client, context.screen).await?).await?
    } else if args.token_stdin {
        let token = read_line()?;
        let me = client.with_token(&token).get("/auth/me", &[]).await?.data;
        Stored { id: String::new(), token, email: value::text(&me, "/user/email") }
    } else {
        let email = match args.email {
            Some(email) => email,
            None => ask("Email: ")?,
        };
        let password = if args.password_stdin { read_line()? } else { ask_hidden()? };
        let session = enter(&client, &email, &password, args.code.as_deref()).await?;
        make_token(&client, &session).await?
    };
    let (server, email) = (client.server(), stored.email.clone());
    keep(&server, stored)?;
    let answer = json!({ "server": server, "email": email });
    context.screen.answer(&answer, |_| format!("Signed in to {server} as {email}."));
    Ok(Exit::Succeeded)
}

/// Takes the token back and forgets it.
///
/// # Errors
/// An unwritable home. A control plane that cannot be reached is only remarked upon.
pub async fn logout(context: &Context) -> Done {
    let client = context.anonymous()?;
    let server = client.server();
    let mut credentials = Credentials::load()?;
    let Some(stored) = credentials.take(&server) else {
        context
            .screen
            .answer(&json!({ "server": server, "signedOut": false }), |_| format!("Nobody was signed in to {server}."));
        return Ok(Exit::Succeeded);
    };
    credentials.save()?;
    if !stored.id.is_empty() {
        let (signed_in, path) = (client.with_token(&stored.token), format!("/tokens/{}", stored.id));
        if let Err(failure) = signed_in.write(Method::DELETE, &path, None).await {
            context.screen.note(&format!("The token is forgotten here, but could not be taken back there: {failure}"));
        }
    }
    context.screen.answer(&json!({ "server": server, "signedOut": true }), |_| format!("Signed out of {server}."));
    Ok(Exit::Succeeded)
}

/// Signs in and makes a CLI token.
///
/// # Errors
/// The control plane's.
pub async fn sign_in(client: &Client, email: &str, password: &str) -> Result<Stored, Failure> {
    make_token(client, &enter(client, email, password, None).await?).await
}

/// Signs in; a second factor that is asked for and not given is asked for here.
async fn enter(client: &Client, email: &str, password: &str, code: Option<&str>) -> Result<Value, Failure> {
    let body = json!({ "email": email, "password": password });
    let entered = client.write(Method::POST, "/auth/login", Some(&body)).await?;
    let Some(ticket) = value::maybe(&entered, "/factor/ticket") else { return Ok(entered) };
    let code = match code {
        Some(code) => code.to_owned(),
        None => ask("Code of your authenticator app, or a recovery code: ")?,
    };
    let body = json!({ "ticket": ticket, "method": method(&code), "code": code });
    client.write(Method::POST, "/auth/login/factor", Some(&body)).await
}

/// What a code looks like: apps show six digits.
fn method(code: &str) -> &'static str {
    let short = code.chars().filter(|c| !c.is_whitespace()).count() <= 6;
    if short { "totp" } else { "recovery" }
}

/// Makes a CLI token with a fresh session.
///
/// # Errors
/// The control plane's.
pub async fn make_token(client: &Client, session: &Value) -> Result<Stored, Failure> {
    let signed_in = client.with_token(value::text(session, "/accessToken"));
    let body = json!({ "name": format!("cli {}", host()).trim(), "days": TOKEN_DAYS });
    let made = match signed_in.write(Method::POST, "/tokens", Some(&body)).await {
        // Something has to be done first, in the dashboard: this session is of no use.
        Err(failure) if failure.code.starts_with("account.") => {
            drop(signed_in.write(Method::POST, "/auth/logout", Some(&json!({}))).await);
            return Err(failure);
        }
        made => made?,
    };
    Ok(Stored {
        id: value::text(&made, "/token/id"),
        token: value::text(&made, "/secret"),
        email: value::text(session, "/user/email"),
    })
}

/// This machine's name.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// Stores a token for later calls.
///
/// # Errors
/// An unwritable home.
pub fn keep(server: &str, stored: Stored) -> Result<(), Failure> {
    let mut credentials = Credentials::load()?;
    credentials.put(server, stored);
    credentials.save()
}

fn ask(question: &str) -> Result<String, Failure> {
    use std::io::{BufRead, Write};
    drop(write!(std::io::stderr(), "{question}"));
    drop(std::io::stderr().flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::usage(format!("{error}.")))?;
    let line = line.trim();
    if line.is_empty() { Err(Failure::usage("Nothing was entered.")) } else { Ok(line.to_owned()) }
}

fn ask_hidden() -> Result<String, Failure> {
    rpassword::prompt_password("Password: ").map_err(|error| {
        Failure::usage(format!("No password could be read from the terminal: {error}."))
            .fix("Without a terminal, give it with --password-stdin.")
    })
}

fn read_line() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_PASSWORD_BYTES).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("Standard input cannot be read: {error}.")))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_sent_as_what_it_looks_like() {
        for (code, expected) in
            [("123456", "totp"), ("123 456", "totp"), ("abcde-fghjk-mnpqr-stuvw", "recovery"), ("", "totp")]
        {
            assert_eq!(method(code), expected, "{code}");
        }
    }
}
