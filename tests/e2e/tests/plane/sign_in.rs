//! Signing in at two control planes over one database: what is counted or spent at one is at the other.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::join_all;
use sf_actions::{Actor, ActorKind};
use sf_control::Control;
use sf_control::sign_in::{Entered, Method, Origin, SignedIn};
use sf_identity::bearer::BearerKind;
use sf_identity::throttle::STRANGERS;
use sf_identity::totp::TotpSecret;
use sf_identity::{Audience, once};
use sf_store::Scope;
use sf_store::resets::{self, Reset};
use sf_store::sessions::{self, SessionKind};
use sf_testkit::Plane;
use sf_testkit::people::PASSWORD;
use sf_types::{ResetId, Secret};

const EMAIL: &str = "admin@example.org";
/// The next one after it.
const OTHER_PASSWORD: &str = "an orchard under slow rain";
const RACERS: u8 = 50;
/// Times that sign-ins race a change of the password.
const RACES: u32 = 6;
/// Times that a write is tried again which another control plane was in the way of.
const WRITES: u32 = 20;

fn origin(plane: &Plane, last: u8) -> Origin {
    let address = IpAddr::from([192, 0, 2, last]);
    Origin { address, user_agent: None, request: plane.request(), kind: SessionKind::Cli }
}

async fn enter(control: &Control, password: &str, origin: Origin) -> Result<Entered, sf_types::Fault> {
    control.sign_in(EMAIL, Secret::new(password.to_owned()), origin).await
}

async fn signed_in(control: &Control, origin: Origin) -> Result<SignedIn> {
    match enter(control, PASSWORD, origin).await? {
        Entered::SignedIn(session) => Ok(*session),
        Entered::Factor(_) => bail!("a second factor was asked for"),
    }
}

async fn ticket(control: &Control, origin: Origin) -> Result<String> {
    match enter(control, PASSWORD, origin).await? {
        Entered::Factor(ticket) => Ok(ticket.text.expose().clone()),
        Entered::SignedIn(_) => bail!("no second factor was asked for"),
    }
}

pub async fn two_control_planes_count_guesses_together(plane: Plane) -> Result<()> {
    plane.admin().await?;
    let second = plane.second().await?;
    let planes = [&plane.control, &second];
    let guesses = (0..RACERS).map(|nth| {
        let (control, from) = (planes[usize::from(nth % 2)], origin(&plane, nth));
        async move { enter(control, "seven lamps, a blue harbour", from).await }
    });
    let mut counted = 0;
    for guess in join_all(guesses).await {
        // A write that lost against the other control plane once too often is refused as well, and looks at nothing.
        let Err(fault) = guess else { bail!("let in with a wrong password") };
        counted += u32::from(fault.code == "sign_in.wrong");
    }
    ensure!(counted >= STRANGERS.free, "only {counted} guesses were answered");
    for (nth, control) in planes.into_iter().enumerate() {
        let right = enter(control, PASSWORD, origin(&plane, 200)).await;
        ensure!(right.is_err(), "control plane {nth} did not count {} guesses", STRANGERS.free);
    }
    plane.clock.set(plane.clock.now().plus(Duration::from_secs(1)));
    signed_in(&second, origin(&plane, 200)).await?;
    signed_in(&plane.control, origin(&plane, 201)).await?;
    plane.stop().await;
    Ok(())
}

/// Writes that get in each other's way are tried again: who is right is let in, or told that there were too many at a
/// time, and never that the database was busy or full.
pub async fn two_control_planes_say_nothing_of_their_rivalry(plane: Plane) -> Result<()> {
    plane.admin().await?;
    let second = plane.second().await?;
    let planes = [&plane.control, &second];
    let entering = (0..RACERS).map(|nth| {
        let (control, from) = (planes[usize::from(nth % 2)], origin(&plane, nth % 8));
        async move { signed_in(control, from).await }
    });
    let mut let_in = 0;
    for entered in join_all(entering).await {
        match entered {
            Ok(_) => let_in += 1,
            Err(error) => {
                let fault = error.downcast::<sf_types::Fault>()?;
                ensure!(fault.code == "sign_in.wrong", "{fault:?}");
            }
        }
    }
    ensure!(let_in > 0, "nobody was let in");
    plane.stop().await;
    Ok(())
}

pub async fn two_control_planes_spend_a_code_once(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let second = plane.second().await?;
    let password = Secret::new(PASSWORD.to_owned());
    let made = plane.control.add_totp(&admin, password, origin(&plane, 1)).await?;
    let app = TotpSecret::from_text(made.secret.expose()).context("a secret in base 32")?;
    let first = app.code_at(plane.clock.now());
    let paper = second.confirm_totp(&admin, first.expose(), origin(&plane, 1)).await?;
    plane.clock.set(plane.clock.now().plus(Duration::from_secs(30)));
    let planes = [&plane.control, &second];
    for (method, code) in [(Method::Totp, app.code_at(plane.clock.now())), (Method::Recovery, paper[0].clone())] {
        let mut tickets = Vec::new();
        for nth in 0..8 {
            tickets.push(ticket(planes[nth % 2], origin(&plane, 1)).await?);
        }
        let tries = (0..usize::from(RACERS)).map(|nth| {
            let (control, ticket, from) = (planes[nth / 8 % 2], &tickets[nth % 8], origin(&plane, 1));
            let code = code.expose();
            async move { control.sign_in_with_code(ticket, method, code, from).await }
        });
        let good = join_all(tries).await.into_iter().filter(Result::is_ok).count();
        ensure!(good == 1, "{good} sign-ins with one code ({})", method.word());
        // What was wrong of these counts, too, until somebody is right.
        plane.clock.set(plane.clock.now().plus(Duration::from_secs(60)));
        let spare = if method == Method::Totp { &paper[8] } else { &paper[9] };
        let ticket = ticket(&second, origin(&plane, 1)).await?;
        second.sign_in_with_code(&ticket, Method::Recovery, spare.expose(), origin(&plane, 1)).await?;
    }
    plane.stop().await;
    Ok(())
}

pub async fn tabs_at_two_control_planes_get_the_same_token(plane: Plane) -> Result<()> {
    plane.admin().await?;
    let second = plane.second().await?;
    let planes = [&plane.control, &second];
    let session = signed_in(&plane.control, origin(&plane, 1)).await?;
    let tabs = (0..RACERS).map(|nth| {
        let (control, text, from) = (planes[usize::from(nth % 2)], session.refresh.expose(), origin(&plane, 1));
        async move { control.refresh(text, from).await }
    });
    let mut tokens = Vec::new();
    for tab in join_all(tabs).await {
        tokens.push(tab?.refresh.expose().clone());
    }
    tokens.dedup();
    ensure!(tokens.len() == 1, "{} different tokens", tokens.len());
    let renewed = second.refresh(&tokens[0], origin(&plane, 1)).await?;
    let actor: Actor = plane.control.authenticate(Audience::Api, renewed.access.expose(), None).await?;
    ensure!(matches!(actor.kind, ActorKind::Person { .. }));
    plane.stop().await;
    Ok(())
}

pub async fn no_session_outlives_the_password_it_was_opened_with(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let user = admin.user().context("a person")?;
    let second = plane.second().await?;
    let planes = [&plane.control, &second];
    let mut current = PASSWORD;
    for round in 0..RACES {
        let link = reset_link(&plane, &admin).await?;
        let next = if current == PASSWORD { OTHER_PASSWORD } else { PASSWORD };
        let tries = (0..RACERS).map(|nth| {
            let (control, from) = (planes[usize::from(nth % 2)], origin(&plane, nth));
            async move { enter(control, current, from).await }
        });
        let change = async {
            // A write that lost against the other control plane once too often is refused, and changed nothing.
            for _ in 0..WRITES {
                let new = Secret::new(next.to_owned());
                match second.choose_password(&link, new, origin(&plane, 200)).await {
                    Err(fault) if fault.code.starts_with("store.") => {}
                    done => return done,
                }
            }
            second.choose_password(&link, Secret::new(next.to_owned()), origin(&plane, 200)).await
        };
        let (_, changed) = futures_util::future::join(join_all(tries), change).await;
        changed?;
        let left = sessions::of_user(&plane.control.store().read(Scope::System), user).await?;
        ensure!(left.is_empty(), "round {round}: {} sessions by a password that is none any more", left.len());
        current = next;
        // What was wrong of these counts until time has passed.
        plane.clock.set(plane.clock.now().plus(Duration::from_secs(60 * 60)));
    }
    plane.stop().await;
    Ok(())
}

pub async fn no_ticket_outlives_the_password_it_was_given_for(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let second = plane.second().await?;
    let password = Secret::new(PASSWORD.to_owned());
    let made = plane.control.add_totp(&admin, password, origin(&plane, 1)).await?;
    let app = TotpSecret::from_text(made.secret.expose()).context("a secret in base 32")?;
    let first = app.code_at(plane.clock.now());
    plane.control.confirm_totp(&admin, first.expose(), origin(&plane, 1)).await?;
    plane.clock.set(plane.clock.now().plus(Duration::from_secs(30)));
    let ticket = ticket(&plane.control, origin(&plane, 1)).await?;
    let link = reset_link(&plane, &admin).await?;
    second.choose_password(&link, Secret::new(OTHER_PASSWORD.to_owned()), origin(&plane, 2)).await?;
    let code = app.code_at(plane.clock.now());
    let entered = plane.control.sign_in_with_code(&ticket, Method::Totp, code.expose(), origin(&plane, 1)).await;
    ensure!(entered.err().context("let in with the password before")?.code == "factor.ticket");
    plane.stop().await;
    Ok(())
}

pub async fn a_session_that_has_ended_approves_no_program(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let client = "serverflow on laptop".parse().ok().context("a name")?;
    let begun = plane.control.begin_device_login(&client, origin(&plane, 1)).await?;
    let session = signed_in(&plane.control, origin(&plane, 2)).await?;
    let asking = plane.control.authenticate(Audience::Api, session.access.expose(), None).await?;
    // It ends after it was looked at and before the approval is written.
    plane.second().await?.sign_out(session.session).await?;
    let code = begun.user_code.expose();
    let decided = plane.control.decide_device_login(&asking, code, true, origin(&plane, 2)).await;
    ensure!(decided.err().context("approved")?.code == "session.over");
    let seen = plane.control.device_login(&admin, code).await?;
    ensure!(seen.user.is_none(), "it waits as before");
    plane.stop().await;
    Ok(())
}

/// A link for a new password, as the letter has it.
async fn reset_link(plane: &Plane, admin: &Actor) -> Result<String> {
    let (tenant, user) = (admin.tenant, admin.user().context("a person")?);
    let id: ResetId = plane.rng.id(&plane.clock);
    let issued = once::issue(BearerKind::Reset, id.uuid(), &plane.rng);
    let now = plane.clock.now();
    let (hash, expires_at) = (issued.hash, now.plus(Duration::from_secs(60)));
    let row = Reset { id, tenant, user, hash, created_at: now, expires_at, used_at: None };
    let keep = plane.control.store().write(Scope::System, move |tx| {
        let row = row.clone();
        Box::pin(async move { resets::create(tx, &row).await })
    });
    keep.await?;
    Ok(issued.text.expose().clone())
}
