//! The audit chain against whoever owns the database: damaged exports, damaged rows, and nodes that remember.

mod bend;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sf_actions::Actor;
use sf_control::audit::export::Span;
use sf_control::audit::retention::erase_person;
use sf_control::sign_in::{Entered, Origin};
use sf_identity::Audience;
use sf_protocol::handshake::{VERSIONS, Versions};
use sf_protocol::witness::Witness;
use sf_protocol::{Frame, Signed};
use sf_store::audit::verifier::{Report, Trust, Verifier};
use sf_store::audit::walk::Damage;
use sf_store::audit::{self, file};
use sf_store::sessions::SessionKind;
use sf_store::testing::forge;
use sf_store::{Look, Scope};
use sf_testkit::people::PASSWORD;
use sf_testkit::{Plane, Script};
use sf_types::{Secret, Timestamp};

use bend::{
    File, Record, append, append_and_say_so, bend_a_signature, break_off, cut, delete, edit, edit_with_its_hash,
    insert, repeat, rewrite, swap,
};

async fn export(plane: &Plane, actor: &Actor, span: Span) -> Result<Vec<String>> {
    let mut export = plane.control.export_audit(actor, plane.request(), span).await?;
    let mut text = String::new();
    while let Some(piece) = export.next().await? {
        text.push_str(&piece);
    }
    Ok(text.lines().map(str::to_owned).collect())
}

fn verify(plane: &Plane, file: &[String], witnesses: &[Signed]) -> Result<Report> {
    let mut verifier = Verifier::new(Trust { root: Some(plane.root()), witnesses: witnesses.to_vec() });
    for record in file {
        verifier.record(record)?;
    }
    Ok(verifier.finish()?)
}

async fn sign_in(plane: &Plane, email: &str, password: &str) -> Result<()> {
    let origin = Origin {
        address: "192.0.2.7".parse()?,
        user_agent: None,
        request: plane.request(),
        kind: SessionKind::Browser,
    };
    drop(plane.control.sign_in(email, Secret::new(password.to_owned()), origin).await);
    Ok(())
}

/// A chain of some 40 lines with three checkpoints, the last at its end; the second one is answered.
async fn chain(plane: &Plane) -> Result<(Actor, Signed)> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let mut middle = None;
    for _ in 0..2 {
        for _ in 0..4 {
            plane.ended(plane.deploy(&admin, app).await?).await?;
            sign_in(plane, "admin@example.org", PASSWORD).await?;
            sign_in(plane, "somebody@example.org", "not a password of anybody").await?;
        }
        plane.control.keep_audit().await?;
        middle =
            audit::checkpoints(&plane.control.store().read(Scope::System), plane.control.instance(), 1).await?.pop();
    }
    sign_in(plane, "admin@example.org", PASSWORD).await?;
    Ok((admin, middle.context("a checkpoint")?.signed.0))
}

type Bend = fn(&mut File, u64);

pub async fn every_damage_of_an_export_is_named_at_its_line(plane: Plane) -> Result<()> {
    let (admin, _) = chain(&plane).await?;
    let text = export(&plane, &admin, Span::default()).await?;
    let good = verify(&plane, &text, &[])?;
    ensure!(good.bad().is_none(), "{good:?}");
    let walked = &good.chains[0].walked;
    let last = walked.head.seq;
    ensure!(last > 30 && walked.signed == last && good.chains[0].checkpoints == 3, "{good:?}");
    ensure!(good.chains[0].personal > 20 && good.root == Some(plane.root()), "{good:?}");
    let file = File::of(&plane, &text).await?;
    let signed: Vec<u64> = checkpoints(&plane, &text)?.iter().map(|(size, _)| *size).collect();
    let middle = signed[0] + 3;
    ensure!(middle < signed[1] && signed[2] == last, "{signed:?}");
    every_damage_is_named(&plane, &file, &signed, middle)?;
    // A person's data that was changed does not hold either.
    let at = text.iter().position(|record| record.starts_with(r#"{"about""#)).context("a person's detail")?;
    let mut bent = text.clone();
    bent[at] = bent[at].replace(r#""value":""#, r#""value":"x"#);
    ensure!(verify(&plane, &bent, &[])?.bad().map(|(_, bad)| bad.damage) == Some(Damage::Edited));
    // Another root is not believed.
    let mut verifier = Verifier::new(Trust {
        root: Some(sf_protocol::SecretKey::from_seed(&[1; 32]).public().id()),
        witnesses: vec![],
    });
    text.iter().try_for_each(|record| verifier.record(record))?;
    ensure!(verifier.finish()?.bad().map(|(_, bad)| bad.damage) == Some(Damage::Malformed));
    plane.stop().await;
    Ok(())
}

/// Every kind of damage at the first line, one in the middle and the last.
fn every_damage_is_named(plane: &Plane, file: &File, signed: &[u64], middle: u64) -> Result<()> {
    let last = file.last();
    // What can be said of a rewritten line is where the last good signature stands.
    let behind_signature = |n: u64| signed.iter().rev().find(|size| **size < n).map_or(1, |size| size + 1);
    type Named<'a> = (&'a str, Bend, Damage, &'a dyn Fn(u64) -> u64);
    let cases: &[Named<'_>] = &[
        ("edited", edit, Damage::Edited, &|n| n),
        ("edited with its hash", edit_with_its_hash, Damage::Forked, &|n| {
            if n == last { behind_signature(n) } else { n + 1 }
        }),
        ("rewritten from there on", rewrite, Damage::Forked, &behind_signature),
        ("deleted", delete, Damage::Deleted, &|n| n),
        ("swapped", swap, Damage::Reordered, &|n| if n == last { n - 1 } else { n }),
        ("repeated", repeat, Damage::Inserted, &|n| n),
        ("inserted", insert, Damage::Inserted, &|n| n),
        ("appended", append, Damage::Inserted, &|_| last + 1),
        ("appended and said so", append_and_say_so, Damage::Unsigned, &|_| last + 1),
        ("cut", cut, Damage::Truncated, &|n| n),
        ("broken off", break_off, Damage::Truncated, &|n| n),
        ("signature bent", bend_a_signature, Damage::Malformed, &|n| {
            *signed.iter().find(|size| **size >= n).expect("the last line is signed")
        }),
    ];
    for (what, bend, damage, expected) in cases {
        for n in [1, middle, last] {
            // The last line has a checkpoint behind it: without the line, the chain is too short.
            let damage = if *damage == Damage::Deleted && n == last { Damage::Truncated } else { *damage };
            let mut bent = file.clone();
            bend(&mut bent, n);
            let report = verify(plane, &bent.text(), &[]).with_context(|| format!("{what} at {n}"))?;
            let bad = report.bad().map(|(_, bad)| (bad.damage, bad.seq));
            ensure!(bad == Some((damage, expected(n))), "{what} at {n}: {:?}", report.bad());
        }
    }
    Ok(())
}

/// The checkpoints of a file: lines and place.
fn checkpoints(plane: &Plane, text: &[String]) -> Result<Vec<(u64, usize)>> {
    let mut found = Vec::new();
    for (at, record) in text.iter().enumerate().filter(|(_, record)| record.starts_with(r#"{"checkpoint""#)) {
        let stated: file::Stated = serde_json::from_str(record)?;
        found.push((Witness::open(&stated.checkpoint, plane.root())?.size, at));
    }
    Ok(found)
}

/// What nothing in the file shows: it ends with an earlier checkpoint, or all of it was signed anew.
pub async fn only_a_witness_shows_what_the_owner_of_the_keys_took_away(plane: Plane) -> Result<()> {
    let (admin, middle) = chain(&plane).await?;
    let text = export(&plane, &admin, Span::default()).await?;
    let whole = File::of(&plane, &text).await?;
    let seen = Witness::open(&middle, plane.root())?;
    let first = checkpoints(&plane, &text)?[0];
    let mut short = whole.clone();
    cut(&mut short, first.0 + 1);
    short.say_end();
    let good = verify(&plane, &short.text(), &[])?;
    ensure!(good.bad().is_none() && good.chains[0].walked.head.seq == first.0, "{good:?}");
    let bad = verify(&plane, &short.text(), std::slice::from_ref(&middle))?;
    ensure!(bad.bad().map(|(_, bad)| (bad.damage, bad.seq)) == Some((Damage::Truncated, first.0 + 1)), "{bad:?}");

    let mut forked = whole.clone();
    edit(&mut forked, 2);
    forked.rehash(2);
    let certified = plane.control.certified();
    let mut resigned = Vec::new();
    for record in forked.0 {
        let Record::Text(text) = &record else {
            resigned.push(record);
            continue;
        };
        let Ok(stated) = serde_json::from_str::<file::Stated>(text) else {
            resigned.push(record);
            continue;
        };
        let head = Witness::open(&stated.checkpoint, plane.root())?;
        let Some(Record::Line(line)) =
            resigned.iter().rfind(|record| matches!(record, Record::Line(line) if line.seq == head.size))
        else {
            anyhow::bail!("a checkpoint stands behind its line")
        };
        let anew = (head.instance, head.size, line.entry_hash);
        let signed = Witness::seal(anew, head.at, &certified.key, &certified.signed, &certified.root);
        resigned.push(Record::Text(file::checkpoint(&signed).trim_end().to_owned()));
    }
    let resigned = File(resigned).text();
    ensure!(verify(&plane, &resigned, &[])?.bad().is_none(), "nothing in it shows it");
    let bad = verify(&plane, &resigned, std::slice::from_ref(&middle))?;
    let named = bad.bad().map(|(_, bad)| (bad.damage, bad.seq));
    ensure!(named == Some((Damage::Forked, first.0 + 1)), "{named:?}");
    let good = verify(&plane, &text, &[middle])?;
    ensure!(good.bad().is_none() && good.chains[0].walked.witnessed == Some(seen.size), "{good:?}");
    plane.stop().await;
    Ok(())
}

pub async fn nodes_are_shown_the_head_and_say_what_they_hold(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let old = plane.enrol(&admin).await?;
    plane.control.keep_audit().await?;
    // With the connection, the newest.
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let shown = wire.hear_witness().await?;
    let head = Witness::open(&shown, plane.root())?;
    ensure!((head.instance, open.version) == (plane.control.instance(), VERSIONS.max));
    ensure!(head.size == audit::head(&plane.control.store().read(Scope::System), head.instance).await?.seq);
    wire.say(&Frame::Witness(shown.clone())).await?;
    // An agent of version 1 hears nothing of it.
    let (mut earlier, open) = old.connect_speaking(&plane.dial(), Versions { min: 1, max: 1 }).await?;
    ensure!(open.version == 1);
    // A minute later there is more, and it is told; within the minute it is not told again.
    plane.clock.set(plane.clock.now().plus(Duration::from_secs(61)));
    plane.app(&admin, node.id(), "shop").await?;
    plane.control.keep_audit().await?;
    let next = wire.hear_witness().await?;
    let grown = Witness::open(&next, plane.root())?;
    ensure!(grown.size > head.size);
    plane.app(&admin, node.id(), "blog").await?;
    plane.control.keep_audit().await?;
    plane.clock.set(plane.clock.now().plus(Duration::from_secs(61)));
    plane.app(&admin, node.id(), "wiki").await?;
    plane.control.keep_audit().await?;
    let latest = wire.hear_witness().await?;
    let after = Witness::open(&latest, plane.root())?;
    ensure!(after.size == grown.size + 4, "the one within the minute was left out: {} {}", grown.size, after.size);
    wire.say(&Frame::Witness(latest)).await?;
    let state = loop {
        let state = plane.control.audit_state(&admin).await?.remove(0);
        if state.witnesses.iter().any(|seen| seen.size == after.size) {
            break state;
        }
        tokio::task::yield_now().await;
    };
    ensure!(state.bad.is_none() && state.checked_up_to == state.head.seq, "{state:?}");
    ensure!(state.checkpoint.map(|(size, _, _)| size) == Some(after.size), "{state:?}");
    ensure!(state.witnesses[0].node == node.id() && state.witnesses[0].name.is_some(), "{state:?}");
    // A stranger's tenant sees that there is a chain, and none of its witnesses.
    let stranger = plane.stranger().await?;
    ensure!(plane.control.audit_state(&stranger).await?[0].witnesses.is_empty());
    // Nothing but orders came to the old one. Its own word closes the connection.
    earlier.say(&Frame::Witness(Signed { signature: [0; 64], ..shown })).await?;
    loop {
        match earlier.hear_any().await {
            Ok(Frame::Witness(_)) => anyhow::bail!("version 1 does not know WITNESS"),
            Ok(_) => {}
            Err(error) => {
                ensure!(error.code() == "frame.signature", "{error}");
                break;
            }
        }
    }
    plane.stop().await;
    Ok(())
}

pub async fn damaged_rows_are_found_and_never_signed(plane: Plane) -> Result<()> {
    let (admin, witnessed) = chain(&plane).await?;
    let control = &plane.control;
    let seen = Witness::open(&witnessed, plane.root())?;
    ensure!(control.verify_audit(&admin).await?[0].bad.is_none());
    control.keep_audit().await?;
    let reader = control.store().read(Scope::System);
    let before = audit::line(&reader, seen.instance, 11).await?.context("line 11")?.outcome;
    forge(control.store(), "UPDATE activity_logs SET outcome = 'forged' WHERE seq = 11").await;
    let state = control.verify_audit(&admin).await?.remove(0);
    ensure!(state.bad.as_ref().map(|bad| (bad.damage, bad.seq)) == Some((Damage::Edited, 11)), "{state:?}");
    // It stays found, and no checkpoint covers what comes after it.
    let signed = state.checkpoint;
    sign_in(&plane, "admin@example.org", PASSWORD).await?;
    control.keep_audit().await?;
    let state = control.audit_state(&admin).await?.remove(0);
    ensure!(state.bad.is_some() && state.checkpoint == signed, "{state:?}");
    let health = control.health().await;
    ensure!(health.checks.iter().any(|check| check.name == "audit" && check.detail.contains("11")), "{health:?}");

    // The end is cut off, checkpoints and all; the node that has seen it comes back.
    let node = plane.enrol(&admin).await?;
    let cut = seen.size - 2;
    let store = control.store().clone();
    let hash = audit::line(&store.read(Scope::System), seen.instance, cut).await?.context("the line")?.entry_hash;
    let sql = format!(
        "DELETE FROM activity_logs WHERE seq > {cut}; DELETE FROM audit_checkpoints WHERE size > {cut}; \
         UPDATE activity_logs SET outcome = '{before}' WHERE seq = 11"
    );
    forge(&store, Box::leak(sql.into_boxed_str())).await;
    let hex = audit::chain::hex(&hash);
    let literal = match sf_store::testing::is_postgres(&store) {
        true => format!("'\\x{hex}'::bytea"),
        false => format!("x'{hex}'"),
    };
    let sql = format!("UPDATE audit_heads SET seq = {cut}, hash = {literal}");
    forge(&store, Box::leak(sql.into_boxed_str())).await;
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    wire.say(&Frame::Witness(witnessed)).await?;
    let bad = loop {
        let state = control.verify_audit(&admin).await?.remove(0);
        if let Some(bad) = state.bad.filter(|_| !state.witnesses.is_empty()) {
            break bad;
        }
        tokio::task::yield_now().await;
    };
    ensure!(control.verify_audit(&admin).await?[0].bad.as_ref().map(|bad| bad.seq) == Some(cut + 1), "it stays found");
    ensure!((bad.damage, bad.seq) == (Damage::Truncated, cut + 1), "{bad:?}");
    plane.stop().await;
    Ok(())
}

pub async fn people_are_erased_and_old_lines_pruned_and_the_rest_still_verifies(plane: Plane) -> Result<()> {
    let (admin, _) = chain(&plane).await?;
    let user = admin.user().context("a person")?;
    let store = plane.control.store().clone();
    let text = export(&plane, &admin, Span::default()).await?;
    ensure!(text.iter().any(|record| record.contains("admin@example.org")));
    // An attempt on a mistyped account, and one with their own address when they were unknown.
    let erased = store
        .write(Scope::Tenant(admin.tenant), move |tx| {
            Box::pin(async move {
                let erased = erase_person(tx, user).await?;
                assert_eq!(tx.scope(), Scope::Tenant(admin.tenant), "the scope is as it was");
                Ok(erased)
            })
        })
        .await?;
    ensure!(erased > 15, "{erased}");
    let admin = plane.admin_again().await?;
    let text = export(&plane, &admin, Span::default()).await?;
    ensure!(!text.iter().any(|record| record.contains("admin@example.org")));
    ensure!(text.iter().any(|record| record.contains("somebody@example.org")), "others' stay");
    ensure!(verify(&plane, &text, &[])?.bad().is_none());

    // Pruned up to a checkpoint, the chain begins there.
    let instance = plane.control.instance();
    let first = checkpoints(&plane, &text)?[0].0;
    let prune = |size: u64| {
        store.write(Scope::System, move |tx| Box::pin(async move { audit::prune(tx, instance, size, 7).await }))
    };
    ensure!(prune(first + 1).await.is_err(), "nothing vouches for that line");
    while prune(first).await? > 0 {}
    ensure!(plane.control.verify_audit(&admin).await?[0].bad.is_none());
    let text = export(&plane, &admin, Span::default()).await?;
    let report = verify(&plane, &text, &[])?;
    ensure!(report.bad().is_none() && report.chains[0].start == first, "{report:?}");
    // Without the statement that vouches for it, the lines before are missing.
    let at = checkpoints(&plane, &text)?[0].1;
    let mut bent = text.clone();
    bent.remove(at);
    ensure!(verify(&plane, &bent, &[])?.bad().map(|(_, bad)| (bad.damage, bad.seq)) == Some((Damage::Deleted, 1)));
    // And after a restart it is still known where it begins.
    let plane = plane.restarted().await?;
    ensure!(plane.control.audit_state(&admin).await?[0].bad.is_none());
    ensure!(plane.control.verify_audit(&admin).await?[0].bad.is_none());
    plane.stop().await;
    Ok(())
}

pub async fn a_span_begins_and_ends_with_a_signature_and_a_tenant_gets_its_own(plane: Plane) -> Result<()> {
    let (admin, _) = chain(&plane).await?;
    let later = plane.clock.now().plus(Duration::from_secs(3600));
    plane.clock.set(later);
    for n in 0..3 {
        sign_in(&plane, "admin@example.org", PASSWORD).await?;
        plane.clock.set(later.plus(Duration::from_secs(60 * (n + 1))));
        plane.control.keep_audit().await?;
    }
    let (from, to) = (later.plus(Duration::from_secs(90)), later.plus(Duration::from_secs(100)));
    let span = Span { from: Some(from), to: Some(to), ..Span::default() };
    let text = export(&plane, &admin, span).await?;
    let report = verify(&plane, &text, &[])?;
    ensure!(report.bad().is_none() && report.chains[0].start > 30 && report.lines < 6, "{report:?}");
    let all = Span { from: Some(Timestamp::EPOCH), ..Span::default() };
    ensure!(verify(&plane, &export(&plane, &admin, all).await?, &[])?.chains[0].start == 0);

    // With a second tenant nobody gets the others' lines, by whatever way.
    let stranger = plane.stranger().await?;
    for (actor, other) in [(&stranger, &admin), (&admin, &stranger)] {
        let text = export(&plane, actor, Span::default()).await?;
        let tenant = other.tenant.to_string();
        ensure!(!text.iter().any(|record| record.contains(&tenant)), "{tenant} is in it");
        let report = verify(&plane, &text, &[])?;
        ensure!(!report.whole && report.bad().is_none() && report.lines > 0, "{report:?}");
        ensure!(text.iter().all(|record| !record.contains("somebody@example.org")), "attempts belong to nobody");
    }
    // Each line holds by itself.
    let mut text = export(&plane, &admin, Span::default()).await?;
    let at = text.iter().rposition(|record| record.starts_with(r#"{"seq""#)).context("a line")?;
    text[at] = text[at].replace(r#""outcome":"succeeded""#, r#""outcome":"refused""#);
    ensure!(verify(&plane, &text, &[])?.bad().map(|(_, bad)| bad.damage) == Some(Damage::Edited));
    plane.stop().await;
    Ok(())
}

/// At a database server: data folders of their own, one master key, and what one gives out is good at the other.
pub async fn two_control_planes_keep_a_chain_each(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    if !sf_store::testing::is_postgres(plane.control.store()) {
        return Ok(());
    }
    let (first, second) = (plane.control.clone(), plane.second().await?);
    ensure!(first.instance() != second.instance(), "a chain each");
    let again = plane.second().await?.instance();
    ensure!(again == second.instance(), "a data folder keeps its chain");
    let origin = |nth: u8| Origin {
        address: std::net::Ipv4Addr::new(192, 0, 2, nth).into(),
        user_agent: None,
        request: plane.request(),
        kind: SessionKind::Browser,
    };
    let entering = (0..16).map(|nth| {
        let (control, from) = (if nth % 2 == 0 { &first } else { &second }, origin(nth));
        async move { control.sign_in("admin@example.org", Secret::new(PASSWORD.to_owned()), from).await }
    });
    let mut entered = 0;
    for (nth, entry) in futures_util::future::join_all(entering).await.into_iter().enumerate() {
        let Ok(Entered::SignedIn(session)) = entry else { continue };
        let other = if nth % 2 == 0 { &second } else { &first };
        other.authenticate(Audience::Api, session.access.expose(), None).await?;
        entered += 1;
    }
    ensure!(entered > 0, "nobody was let in");
    let mut told = Vec::new();
    for control in [&first, &second] {
        control.keep_audit().await?;
        let mut export = control.export_audit(&admin, plane.request(), Span::default()).await?;
        told.clear();
        while let Some(piece) = export.next().await? {
            told.extend(piece.lines().map(str::to_owned));
        }
    }
    let report = verify(&plane, &told, &[])?;
    ensure!(report.bad().is_none_or(|(_, bad)| bad.damage == Damage::Unsigned), "{:?}", report.bad());
    for control in [&first, &second] {
        let chain = report.chains.iter().find(|chain| chain.instance == control.instance()).context("a chain")?;
        ensure!(chain.walked.lines > 0 && chain.walked.signed > 0, "{chain:?}");
    }
    // Who comes with another master key is told what is missing.
    let folder = tempfile::tempdir()?;
    let stranger = plane.third(folder.path()).await.err().context("another master key opens nothing")?;
    ensure!(stranger.to_string().contains("master.key"), "{stranger}");
    plane.stop().await;
    Ok(())
}
