//! The configuration of all sites, made anew from what they shall be. Pure.

use std::path::{Path, PathBuf};

use sf_protocol::site::{Maintenance, SiteSpec, Tls};
use sf_types::{AppId, Port};

use super::text::{Arg, Directive, block, say, words};

/// Time an answer of an app may be silent: streams and sockets live long.
const SILENT_SECONDS: u64 = 3600;
/// Time until a connection to the relay has to be there.
const CONNECT_SECONDS: u64 = 5;
/// Idle connections kept to each app's relay, by each worker.
const KEPT_CONNECTIONS: u64 = 16;
/// Time that streams and sockets of an earlier configuration may go on, before their worker ends.
const FAREWELL: &str = "1h";
/// Half a year: how long browsers remember that a site is encrypted.
const HSTS: &str = "\"max-age=15552000\"";
/// Seconds after which a maintenance page asks to be tried again.
const RETRY_AFTER: &str = "120";
/// Where a maintenance page lies, within its site.
const PAGE: &str = "/.well-known/serverflow-maintenance";

/// Files of a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificateFiles {
    /// The certificate with those that vouch for it.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A site with what the node has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// How it shall be.
    pub spec: SiteSpec,
    /// Its certificate, once there is one that holds for all its names.
    pub certificate: Option<CertificateFiles>,
}

/// What all sites share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ground {
    /// Port of plain HTTP.
    pub http: Port,
    /// Port of HTTPS.
    pub https: Port,
    /// Whether the machine has IPv6.
    pub ipv6: bool,
    /// Whether this nginx serves nothing but our sites: who asks for another host is then sent away.
    pub alone: bool,
    /// Folder of the answers to the certificate authority.
    pub challenges: PathBuf,
    /// By which a running nginx shows that it serves this very configuration.
    pub token: u128,
    /// Stable ports of the apps that sites lead to.
    pub ports: Vec<(AppId, Port)>,
}

impl Ground {
    fn has(&self, app: AppId) -> bool {
        self.ports.iter().any(|(known, _)| *known == app)
    }

    fn listen(&self, port: Port, flags: &[&'static str]) -> Vec<Directive> {
        let flags = || flags.iter().copied().map(Arg::Word);
        let mut lines = vec![say("listen", std::iter::once(Arg::Port(port)).chain(flags()))];
        if self.ipv6 {
            lines.push(say("listen", std::iter::once(Arg::Port6(port)).chain(flags())));
        }
        lines
    }
}

/// What is there once for all sites: apps as groups of servers, the shared words, and who asks for no site of ours.
pub fn shared(ground: &Ground) -> Vec<Directive> {
    let mut lines = vec![block(
        "map",
        [Arg::Word("$http_upgrade"), Arg::Word("$serverflow_connection")],
        // Without an upgrade nothing is said, so that connections to the relay are kept.
        vec![words("default", ["upgrade"]), words("\"\"", ["\"\""])],
    )];
    for (app, port) in &ground.ports {
        let servers = vec![say("server", [Arg::Local(*port)]), say("keepalive", [Arg::Number(KEPT_CONNECTIONS)])];
        lines.push(block("upstream", [Arg::App(*app)], servers));
    }
    let mut own = ground.listen(ground.http, &[]);
    own.push(words("server_name", ["serverflow.invalid"]));
    own.push(block("location", [Arg::Word("="), Arg::Hidden(ground.token)], vec![say("return", [Arg::Number(204)])]));
    own.push(block("location", [Arg::Word("/")], vec![say("return", [Arg::Number(444)])]));
    lines.push(block("server", [], own));
    if ground.alone {
        let mut others = ground.listen(ground.http, &["default_server"]);
        others.push(words("server_name", ["_"]));
        others.push(say("return", [Arg::Number(444)]));
        lines.push(block("server", [], others));
        let mut others = ground.listen(ground.https, &["ssl", "default_server"]);
        others.push(words("server_name", ["_"]));
        others.push(words("ssl_reject_handshake", ["on"]));
        lines.push(block("server", [], others));
    }
    lines
}

/// One site; `page`: the file of its maintenance page, where it has one now.
pub fn site(site: &Site, page: Option<&Path>, ground: &Ground) -> Vec<Directive> {
    let settings = &site.spec.settings;
    let secure = site.certificate.is_some();
    let mut lines = Vec::new();
    let mut plain = ground.listen(ground.http, &[]);
    plain.push(say("server_name", [Arg::Domain(site.spec.domain.clone())]));
    plain.push(challenges(ground));
    if secure && settings.tls.redirect {
        plain.push(block("location", [Arg::Word("/")], vec![go(308, Arg::Secure(ground.https))]));
    } else {
        plain.extend(serve(site, page, ground));
    }
    lines.push(block("server", [], plain));
    if let Some(files) = &site.certificate {
        let mut encrypted = ground.listen(ground.https, &["ssl", "http2"]);
        encrypted.push(say("server_name", [Arg::Domain(site.spec.domain.clone())]));
        encrypted.extend(tls(files, settings.tls));
        encrypted.extend(serve(site, page, ground));
        lines.push(block("server", [], encrypted));
    }
    lines.extend(aliases(site, ground));
    lines
}

/// Other names lead to the site's own.
fn aliases(site: &Site, ground: &Ground) -> Vec<Directive> {
    let names = &site.spec.settings.aliases;
    if names.is_empty() {
        return Vec::new();
    }
    let server_name = || say("server_name", names.iter().cloned().map(Arg::Domain));
    let domain = site.spec.domain.clone();
    let to = match &site.certificate {
        Some(_) => Arg::To(domain, ground.https),
        None => Arg::ToPlain(domain, ground.http),
    };
    let leads = || block("location", [Arg::Word("/")], vec![go(308, to.clone())]);
    let mut plain = ground.listen(ground.http, &[]);
    plain.extend([server_name(), challenges(ground), leads()]);
    let mut servers = vec![block("server", [], plain)];
    if let Some(files) = &site.certificate {
        let mut encrypted = ground.listen(ground.https, &["ssl", "http2"]);
        encrypted.push(server_name());
        encrypted.extend(tls(files, site.spec.settings.tls));
        encrypted.push(leads());
        servers.push(block("server", [], encrypted));
    }
    servers
}

fn tls(files: &CertificateFiles, tls: Tls) -> Vec<Directive> {
    let mut lines = vec![
        say("ssl_certificate", [Arg::Path(files.chain.clone())]),
        say("ssl_certificate_key", [Arg::Path(files.key.clone())]),
        words("ssl_protocols", ["TLSv1.2", "TLSv1.3"]),
        words("ssl_session_cache", ["shared:serverflow:10m"]),
        words("ssl_session_timeout", ["1d"]),
        words("ssl_session_tickets", ["off"]),
    ];
    if tls.hsts {
        lines.push(words("add_header", ["Strict-Transport-Security", HSTS, "always"]));
    }
    lines
}

/// Where the certificate authority looks whether the name is ours.
fn challenges(ground: &Ground) -> Directive {
    let inside = vec![
        say("alias", [Arg::Folder(ground.challenges.clone())]),
        words("default_type", ["text/plain"]),
        words("auth_basic", ["off"]),
    ];
    block("location", [Arg::Word("^~"), Arg::Word("/.well-known/acme-challenge/")], inside)
}

fn go(status: u64, to: Arg) -> Directive {
    say("return", [Arg::Number(status), to])
}

/// What a site does with a request.
fn serve(site: &Site, page: Option<&Path>, ground: &Ground) -> Vec<Directive> {
    let settings = &site.spec.settings;
    if let Some(redirect) = &settings.redirect {
        let status = if redirect.permanent { 308 } else { 307 };
        // 443: what it goes to need not be ours.
        let to = Arg::To(redirect.to.clone(), Port::HTTPS);
        return vec![block("location", [Arg::Word("/")], vec![go(status, to)])];
    }
    if let Some(page) = page {
        return maintenance(page);
    }
    let mut lines = vec![say("client_max_body_size", [Arg::Bytes(settings.max_body)])];
    lines.extend(towards_apps());
    for route in &settings.routes {
        lines.push(block("location", [Arg::Word("="), Arg::Url(route.path.clone())], to_app(route.app, ground)));
        let below = [Arg::Word("^~"), Arg::Below(route.path.clone())];
        lines.push(block("location", below, to_app(route.app, ground)));
    }
    lines.push(block("location", [Arg::Word("/")], to_app(site.spec.app, ground)));
    lines
}

fn to_app(app: AppId, ground: &Ground) -> Vec<Directive> {
    if ground.has(app) {
        vec![say("proxy_pass", [Arg::AtApp(app)])]
    } else {
        // Never deployed, or a worker without a port.
        vec![say("return", [Arg::Number(503)])]
    }
}

/// How nginx speaks to relays. What a client says about itself is replaced, so that the app can believe it.
fn towards_apps() -> Vec<Directive> {
    let header = |name, value| words("proxy_set_header", [name, value]);
    vec![
        words("proxy_http_version", ["1.1"]),
        header("Host", "$host"),
        header("Upgrade", "$http_upgrade"),
        header("Connection", "$serverflow_connection"),
        header("X-Real-IP", "$remote_addr"),
        header("X-Forwarded-For", "$remote_addr"),
        header("X-Forwarded-Host", "$host"),
        header("X-Forwarded-Proto", "$scheme"),
        // Events and streams arrive as they are made.
        words("proxy_buffering", ["off"]),
        words("proxy_next_upstream", ["off"]),
        say("proxy_connect_timeout", [Arg::Number(CONNECT_SECONDS)]),
        say("proxy_send_timeout", [Arg::Number(SILENT_SECONDS)]),
        say("proxy_read_timeout", [Arg::Number(SILENT_SECONDS)]),
    ]
}

fn maintenance(page: &Path) -> Vec<Directive> {
    let shown = vec![
        words("internal", []),
        words("default_type", ["text/html"]),
        words("charset", ["utf-8"]),
        words("add_header", ["Retry-After", RETRY_AFTER, "always"]),
        words("add_header", ["Cache-Control", "no-store", "always"]),
        say("alias", [Arg::Path(page.to_owned())]),
    ];
    vec![
        words("error_page", ["503", PAGE]),
        block("location", [Arg::Word("="), Arg::Word(PAGE)], shown),
        block("location", [Arg::Word("/")], vec![say("return", [Arg::Number(503)])]),
    ]
}

/// The page that people see during maintenance.
pub fn page(maintenance: &Maintenance) -> String {
    let text: String = maintenance
        .text
        .chars()
        .map(|character| match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            '\n' => "<br>".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Maintenance</title><style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;\
         max-width:36rem;margin:20vh auto;padding:0 1.5rem}}</style><main><h1>Back soon</h1><p>{text}</p></main></html>\n"
    )
}

/// The main file of an nginx that serves nothing but our sites; `sites` is the folder of their files.
pub fn main_file(home: &Path, sites: &Path) -> Vec<Directive> {
    let temp = |name, folder: &str| say(name, [Arg::Path(home.join("tmp").join(folder))]);
    let http = vec![
        words("default_type", ["application/octet-stream"]),
        words("server_tokens", ["off"]),
        words("access_log", ["off"]),
        words("sendfile", ["on"]),
        words("types_hash_max_size", ["2048"]),
        words("server_names_hash_bucket_size", ["512"]),
        temp("client_body_temp_path", "body"),
        temp("proxy_temp_path", "proxy"),
        temp("fastcgi_temp_path", "fastcgi"),
        temp("uwsgi_temp_path", "uwsgi"),
        temp("scgi_temp_path", "scgi"),
        say("include", [Arg::Confs(sites.to_owned())]),
    ];
    vec![
        words("worker_processes", ["auto"]),
        words("worker_shutdown_timeout", [FAREWELL]),
        say("pid", [Arg::Path(home.join("nginx.pid"))]),
        say("error_log", [Arg::Path(home.join("error.log")), Arg::Word("warn")]),
        block("events", [], vec![words("worker_connections", ["4096"])]),
        block("http", [], http),
    ]
}

#[cfg(test)]
mod tests;
