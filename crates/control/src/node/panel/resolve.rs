//! From a server's row and its template to what its node is told.

use sf_actions::server::ServerSettings;
use sf_protocol::server::Allocation;
use sf_store::servers::Server;
use sf_template::resolve::{Facts, ImageChoice};
use sf_template::{Alt, Choice, Refusal, Resolved};
use sf_types::{ErrorKind, Fault, Finding, ServerId, Slug};

/// Where time is told in unless a variable says so.
const TIMEZONE: &str = "UTC";

/// What is chosen for a server, in the template's words.
fn choice(settings: &ServerSettings, allocations: Vec<Allocation>) -> Choice {
    Choice {
        image: settings.image.clone().map(ImageChoice::Listed),
        startup: settings.startup.clone(),
        values: settings.variables.clone(),
        secrets: settings.secrets.clone(),
        limits: settings.limits,
        allocations,
        restart: settings.restart.clone(),
    }
}

/// The server as its node shall know it.
///
/// # Errors
/// A fault with all that does not fit its template; its message tells the first, and how many more there are.
pub(super) fn server(
    template: &Alt,
    server: &Server,
    location: &str,
    allocations: Vec<Allocation>,
) -> Result<Resolved, Fault> {
    let facts = Facts {
        server: server.id,
        slug: &server.name,
        generation: server.generation,
        location,
        timezone: TIMEZONE,
        allocation_limit: u32::from(server.settings.0.allocation_limit),
        suspended: server.suspended,
    };
    sf_template::resolve(template, &choice(&server.settings.0, allocations), facts).map_err(|why| refused(&why))
}

/// Whether settings fit a template, before there is a server.
///
/// # Errors
/// As [`server`].
pub(super) fn settings(template: &Alt, settings: &ServerSettings) -> Result<(), Fault> {
    // Any address stands for the one it will have: that it has none yet is no reason to refuse it.
    let somewhere = Allocation { ip: std::net::Ipv4Addr::UNSPECIFIED.into(), port: 1 };
    let slug: Slug = "server".parse().expect("a plain word is a name");
    let facts = Facts {
        server: ServerId::from_uuid(uuid::Uuid::nil()),
        slug: &slug,
        generation: 1,
        location: "",
        timezone: TIMEZONE,
        allocation_limit: u32::from(settings.allocation_limit),
        suspended: false,
    };
    let fits = sf_template::resolve(template, &choice(settings, vec![somewhere]), facts);
    fits.map(drop).map_err(|why| refused(&why))
}

fn refused(why: &[Refusal]) -> Fault {
    let Some(first) = why.first() else {
        return Fault::new(ErrorKind::Internal, "server.refused", "It was refused without a reason.");
    };
    let more = match why.len() {
        1 => String::new(),
        all => format!(" There are {} more such findings.", all - 1),
    };
    let finding = |one: &Refusal| Finding {
        field: match one.place.strip_prefix("values.") {
            Some(name) => format!("settings.variables.{name}"),
            None if one.place.is_empty() => "settings".to_owned(),
            None => format!("settings.{}", one.place),
        },
        message: one.message.clone(),
        fix: one.fix.clone(),
    };
    let findings: Vec<_> = why.iter().map(finding).collect();
    let message = format!("{}: {}{more}", findings[0].field, first.message);
    Fault::new(ErrorKind::Invalid, "server.refused", message).fix(first.fix.clone()).findings(findings)
}
