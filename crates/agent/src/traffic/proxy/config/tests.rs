use sf_protocol::site::{CertificateFrom, PathRoute, Redirect, SiteSettings};
use sf_types::{ProxyId, Timestamp, TypedId};

use super::super::text;
use super::*;

fn app(n: u8) -> AppId {
    AppId::from_parts(Timestamp::from_millis(1), [n; 10])
}

fn ground() -> Ground {
    Ground {
        http: Port::HTTP,
        https: Port::HTTPS,
        ipv6: false,
        alone: false,
        challenges: "/state/proxy/challenges".into(),
        token: 1,
        ports: vec![(app(1), Port::try_from(3001).unwrap())],
    }
}

fn bare() -> Site {
    let spec = SiteSpec {
        proxy: ProxyId::from_parts(Timestamp::from_millis(1), [9; 10]),
        app: app(1),
        generation: 1,
        domain: "shop.example.org".parse().unwrap(),
        settings: SiteSettings::default(),
    };
    Site { spec, certificate: None }
}

fn encrypted() -> Site {
    let certificate = Some(CertificateFiles { chain: "/c/chain.pem".into(), key: "/c/key.pem".into() });
    Site { certificate, ..bare() }
}

fn written(of: &Site) -> String {
    text::text(&site(of, None, &ground())).unwrap()
}

#[test]
fn without_a_certificate_plain_http_serves_the_app_and_the_authoritys_questions() {
    let text = written(&bare());
    assert!(text.contains("server_name shop.example.org;"));
    assert!(text.contains("location ^~ /.well-known/acme-challenge/ {\n    alias \"/state/proxy/challenges/\";"));
    assert!(text.contains("proxy_pass http://serverflow_"));
    assert!(!text.contains("443"), "nothing is said of a port that has no certificate: {text}");
}

#[test]
fn with_a_certificate_plain_http_leads_to_https_unless_told_otherwise() {
    let mut site = encrypted();
    let text = written(&site);
    assert!(text.contains("return 308 https://$host$request_uri;"));
    assert!(text.contains("listen 443 ssl http2;") && text.contains("ssl_certificate \"/c/chain.pem\";"));
    assert!(!text.contains("Strict-Transport-Security"));
    site.spec.settings.tls = Tls { certificate: CertificateFrom::Acme, redirect: false, hsts: true };
    let text = written(&site);
    assert!(!text.contains("308"));
    assert_eq!(text.matches("proxy_pass").count(), 2, "both serve: {text}");
    assert!(text.contains("Strict-Transport-Security"));
}

#[test]
fn a_route_is_whole_segments_and_an_app_without_a_port_is_said_so() {
    let mut site = bare();
    site.spec.settings.routes = vec![PathRoute { path: "/api".parse().unwrap(), app: app(2) }];
    let text = written(&site);
    assert!(text.contains("location = /api {\n    return 503;"), "{text}");
    assert!(text.contains("location ^~ /api/ {\n    return 503;"));
    assert!(!text.contains("/api {\n    proxy_pass"));
}

#[test]
fn other_names_and_redirects_lead_away() {
    let mut site = encrypted();
    site.spec.settings.aliases = vec!["www.shop.example.org".parse().unwrap()];
    site.spec.settings.redirect = Some(Redirect { to: "new.example.net".parse().unwrap(), permanent: false });
    let text = written(&site);
    assert!(text.contains("server_name www.shop.example.org;"));
    assert_eq!(text.matches("return 308 https://shop.example.org$request_uri;").count(), 2);
    assert!(text.contains("return 307 https://new.example.net$request_uri;"));
    assert!(!text.contains("proxy_pass"));
}

#[test]
fn a_maintenance_page_holds_what_was_written_and_nothing_else() {
    let text = text::text(&site(&bare(), Some("/state/proxy/gen-1/x.html".as_ref()), &ground())).unwrap();
    assert!(text.contains("error_page 503") && !text.contains("proxy_pass"));
    let page = page(&Maintenance { text: "<script>alert(1)</script>\n\"Back\" & soon".to_owned() });
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;<br>&quot;Back&quot; &amp; soon"));
    assert!(!page.contains("<script"));
}

#[test]
fn an_nginx_of_our_own_answers_no_other_host() {
    let alone = text::text(&shared(&Ground { alone: true, ipv6: true, ..ground() })).unwrap();
    assert!(alone.contains("listen 80 default_server;") && alone.contains("listen [::]:80 default_server;"));
    assert!(alone.contains("ssl_reject_handshake on;"));
    let beside = text::text(&shared(&ground())).unwrap();
    assert!(!beside.contains("default_server"), "the machine's own sites stay what they are");
}
