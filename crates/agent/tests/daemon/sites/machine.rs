//! The machine's own nginx, which serves sites of others, too: ours stand beside them, and theirs never suffer.

use std::path::PathBuf;
use std::process::Command;

use super::super::authority::{free_port, get_plain};
use super::{Domains, refused, without_tls};

/// A machine whose nginx serves a site that is not ours.
struct Machine {
    domains: Domains,
    dir: PathBuf,
    theirs: u16,
}

impl Machine {
    async fn start() -> Self {
        let domains = Domains::running(false).await;
        let dir = domains.world.dir.path().join("etc-nginx");
        std::fs::create_dir_all(dir.join("conf.d")).unwrap();
        let (theirs, at) = (free_port(), dir.display());
        let main = format!(
            "pid {at}/nginx.pid; error_log {at}/error.log; events {{}}\n\
             http {{ access_log off; include {at}/conf.d/*.conf;\n\
             server {{ listen {theirs}; location / {{ return 200 theirs; }} }} }}\n"
        );
        std::fs::write(dir.join("nginx.conf"), main).unwrap();
        // tidy: shell because nginx's `-c` names its main file
        let started = Command::new("/usr/sbin/nginx").arg("-c").arg(dir.join("nginx.conf")).status().unwrap();
        assert!(started.success());
        domains.owner_chose(&format!("nginx = \"auto\"\nmain = \"{at}/nginx.conf\"\npid = \"{at}/nginx.pid\""), "");
        Self { domains, dir, theirs }
    }

    async fn serves_theirs(&self) -> bool {
        get_plain(self.theirs, "theirs.example.test", "/").await.unwrap().ends_with("theirs")
    }
}

#[tokio::test]
async fn where_a_machine_has_an_nginx_our_sites_stand_beside_those_of_others() {
    let machine = Machine::start().await;
    let (domains, site) = (&machine.domains, without_tls(machine.domains.site("shop.example.test")));
    domains.served(&domains.provision(&site).await);
    assert!(domains.plain("shop.example.test", "/").await.ends_with("one"));
    assert!(machine.serves_theirs().await);
    assert!(!domains.world.state().join("proxy/own/nginx.pid").exists(), "no second nginx");

    // Somebody else's file is bad: ours is not served, theirs is as before, and it is said whose fault it is.
    let bad = machine.dir.join("conf.d/theirs.conf");
    std::fs::write(&bad, "server { listen nowhere; }\n").unwrap();
    let other = without_tls(domains.site("other.example.test"));
    let outcome = domains.provision(&other).await;
    assert_eq!(refused(&outcome), "proxy.machine_refused");
    assert!(outcome.fault.unwrap().message.contains("theirs.conf"));
    assert!(domains.plain("shop.example.test", "/").await.ends_with("one"));
    assert!(machine.serves_theirs().await);
    std::fs::remove_file(bad).unwrap();
    domains.served(&domains.provision(&other).await);
    assert!(domains.plain("other.example.test", "/").await.ends_with("one"));

    // Gone with the last site: only what was there before us is served.
    for proxy in [site.proxy, other.proxy] {
        assert_eq!(domains.remove(proxy).await.verdict, sf_protocol::Verdict::Succeeded);
    }
    assert!(get_plain(domains.http, "shop.example.test", "/").await.map_or(true, |answer| !answer.contains("one")));
    assert!(machine.serves_theirs().await);
}

#[tokio::test]
async fn a_machine_whose_nginx_does_not_include_our_file_is_told_so() {
    let machine = Machine::start().await;
    let main = machine.dir.join("nginx.conf");
    let text = std::fs::read_to_string(&main).unwrap();
    let include = format!("include {}/conf.d/*.conf;", machine.dir.display());
    std::fs::write(&main, text.replace(&include, "")).unwrap();
    let outcome = machine.domains.provision(&without_tls(machine.domains.site("shop.example.test"))).await;
    assert_eq!(refused(&outcome), "proxy.not_served");
    assert!(outcome.fault.unwrap().fix.contains("conf.d"));
    assert!(machine.serves_theirs().await);
}
