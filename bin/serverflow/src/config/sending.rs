//! What letters need: the mail server, and the address their links begin with.

use std::net::SocketAddr;

use reqwest::Url;
use sf_control::MailOptions;
use sf_types::Secret;

use super::Config;
use crate::failure::Failure;

impl Config {
    /// The mail server, where one is named.
    ///
    /// # Errors
    /// A sender or an address of the dashboard is missing, or the password's file cannot be read.
    pub(super) fn mail_options(&self) -> Result<Option<MailOptions>, Failure> {
        let mail = &self.mail;
        let Some(host) = mail.host.clone().filter(|host| !host.is_empty()) else { return Ok(None) };
        let Some(from) = mail.from.clone() else {
            return Err(Failure::usage("[mail] has a host and no sender.")
                .fix("Give mail.from, such as `ServerFlow <serverflow@example.org>`."));
        };
        if self.api.public_url.is_none() {
            return Err(Failure::usage("Letters hold links, and where the dashboard is reached is not known.")
                .fix("Give api.public_url, such as `https://panel.example.org`."));
        }
        let password = match (&mail.password, &mail.password_file) {
            (Some(_), Some(_)) => {
                return Err(Failure::usage("[mail] has a password and a file of one.").fix("Give one of them."));
            }
            (Some(password), None) => Some(password.clone()),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        Ok(Some(MailOptions {
            host,
            port: mail.port,
            security: mail.security,
            user: mail.user.clone(),
            password: password.map(Secret::new),
            from,
            ca: mail.ca.clone(),
            send_within: sf_control::mail::SEND_TIMEOUT,
        }))
    }

    /// Where people open the dashboard; never what a request says.
    ///
    /// # Errors
    /// What is no such address.
    pub fn public_url(&self, listening: SocketAddr) -> Result<String, Failure> {
        let Some(text) = &self.api.public_url else {
            let scheme = if self.api.tls_certificate.is_some() { "https" } else { "http" };
            return Ok(format!("{scheme}://{listening}"));
        };
        let refused = |why: &str| {
            Failure::usage(format!("api.public_url, `{text}`, {why}."))
                .fix("Write it as `https://panel.example.org`, without a path.")
        };
        let url = Url::parse(text).map_err(|_| refused("is no address"))?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(refused("is no address of web pages"));
        }
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(refused("has more than scheme, host and port"));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Config), expected: Result<Option<&str>, &str>) {
        let mut config = Config::default();
        config.api.public_url = Some("https://panel.example.org/".into());
        config.mail.host = Some("smtp.example.org".into());
        config.mail.from = Some("ServerFlow <serverflow@example.org>".into());
        change(&mut config);
        let options = config.mail_options().and_then(|mail| {
            config.public_url(config.api.listen)?;
            Ok(mail)
        });
        match (options, expected) {
            (Ok(options), Ok(host)) => assert_eq!(options.map(|mail| mail.host).as_deref(), host),
            (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{failure}"),
            (got, want) => panic!("{got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn half_a_mail_server_is_refused_by_name() {
        check(|_| {}, Ok(Some("smtp.example.org")));
        check(|config| config.mail.host = None, Ok(None));
        check(|config| config.mail.from = None, Err("mail.from"));
        check(|config| config.api.public_url = None, Err("api.public_url"));
        check(|config| config.mail.password_file = Some("/absent".into()), Err("/absent"));
        for bad in
            ["panel.example.org", "ftp://a.example", "https://a.example/x", "https://u:p@a.example", "javascript:1"]
        {
            check(|config| config.api.public_url = Some(bad.into()), Err("api.public_url"));
        }
    }
}
