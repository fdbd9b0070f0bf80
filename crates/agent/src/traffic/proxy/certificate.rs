//! When a certificate is asked for, renewed, and tried again; what it says. Pure but for reading its file.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_protocol::site::Certificate;
use sf_types::{DomainName, ErrorKind, Fault, ProxyId, Timestamp};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Pauses after one failure, two, …: an authority counts failures, and most of them need a person.
const AGAIN: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(6 * 3600),
];
/// A renewal begins up to this share of a certificate's life after its time, so that many do not begin together.
const SPREAD: u32 = 20;
/// Text of an issuer at the most.
const ISSUER_CHARS: usize = 200;

/// A certificate that is on disk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// Its folder's name below the site's.
    pub folder: String,
    /// What it says.
    pub says: Certificate,
}

impl Kept {
    /// Whether it holds for all these names at that time.
    pub fn holds_for<'a>(&self, mut names: impl Iterator<Item = &'a DomainName>, now: Timestamp) -> bool {
        now < self.says.not_after && names.all(|name| self.says.names.contains(name))
    }
}

/// Tries that failed, one after another.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one ended.
    pub at: Timestamp,
    /// Why it failed.
    pub why: Option<Fault>,
}

/// When the next try begins: at once for a site without a certificate that holds for its names, else at two thirds of its
/// life; after failures, later each time. The same site always has the same place within the spread.
pub fn next(site: ProxyId, holds: Option<&Certificate>, failures: &Failures) -> Timestamp {
    let wanted = holds.map_or(Timestamp::from_millis(0), |certificate| {
        let life = certificate.not_after.since(certificate.not_before);
        let place = u32::from(site.uuid().as_bytes()[15]);
        certificate.not_before.plus(life * 2 / 3 + life / SPREAD * place / 255)
    });
    let Some(last) = usize::try_from(failures.count).unwrap_or(usize::MAX).checked_sub(1) else { return wanted };
    let pause = AGAIN[last.min(AGAIN.len() - 1)];
    let place = u32::from(site.uuid().as_bytes()[14]);
    wanted.max(failures.at.plus(pause + pause / 5 * place / 255))
}

/// Reads what a chain in PEM says of itself, and whether it is for `names`.
///
/// # Errors
/// `certificate.unusable`: it is none, or for other names, or for another time. An authority is not believed blindly.
pub fn read(chain: &[u8], names: &[DomainName], now: Timestamp) -> Result<Certificate, Fault> {
    let leaf = first(chain).ok_or_else(|| unusable("it is no certificate"))?;
    let (_, parsed) =
        X509Certificate::from_der(&leaf).map_err(|error| unusable(&format!("it is damaged ({error})")))?;
    let at = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000));
    let not_before = at(parsed.validity().not_before.timestamp());
    let not_after = at(parsed.validity().not_after.timestamp());
    let others = parsed.subject_alternative_name().ok().flatten();
    let said: Vec<DomainName> = others
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => name.parse().ok(),
            _ => None,
        })
        .collect();
    if let Some(missing) = names.iter().find(|name| !said.contains(name)) {
        return Err(unusable(&format!("it does not hold for {missing}")));
    }
    if not_after <= now {
        return Err(unusable(&format!("it has ended at {not_after}")));
    }
    let issuer = parsed.issuer().iter_common_name().next().and_then(|name| name.as_str().ok()).unwrap_or("unknown");
    Ok(Certificate {
        names: said,
        issuer: issuer.chars().filter(|character| !character.is_control()).take(ISSUER_CHARS).collect(),
        fingerprint: hex(&Sha256::digest(&leaf)),
        not_before,
        not_after,
    })
}

/// The first certificate of a PEM text.
fn first(chain: &[u8]) -> Option<Vec<u8>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(chain).next()?.ok().map(|der| der.to_vec())
}

/// A name for a file about an authority.
pub fn name_of(authority: &str) -> String {
    hex(&Sha256::digest(authority.as_bytes())[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unusable(why: &str) -> Fault {
    let message = format!("The authority's answer cannot be used: {why}.");
    Fault::new(ErrorKind::Unavailable, "certificate.unusable", message)
        .fix("It is tried again; see that `proxy.acme` in policy.toml names the right authority.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::TypedId;

    const DAY: i64 = 24 * 3600 * 1000;

    fn site(n: u8) -> ProxyId {
        ProxyId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn of_90_days(from: i64) -> Certificate {
        Certificate {
            names: vec!["a.example".parse().unwrap()],
            issuer: "Test".to_owned(),
            fingerprint: String::new(),
            not_before: Timestamp::from_millis(from),
            not_after: Timestamp::from_millis(from + 90 * DAY),
        }
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_of_its_life_and_not_all_at_once() {
        let days = |n| (next(site(n), Some(&of_90_days(0)), &Failures::default()).as_millis()) as f64 / DAY as f64;
        assert!((60.0..60.1).contains(&days(0)), "{}", days(0));
        assert!((64.4..64.6).contains(&days(255)), "{}", days(255));
        assert!(days(0) < days(100) && days(100) < days(200));
    }

    #[test]
    fn failures_are_tried_again_later_each_time() {
        let at = Timestamp::from_millis(1000 * DAY);
        let pause = |count| {
            let failures = Failures { count, at, why: None };
            next(site(0), None, &failures).since(at).as_secs()
        };
        assert_eq!([1, 2, 3, 4, 5, 99].map(pause), [60, 300, 1800, 7200, 21_600, 21_600]);
        // A renewal that failed is tried again by its failures, not by its life.
        let failures = Failures { count: 1, at, why: None };
        assert_eq!(next(site(0), Some(&of_90_days(0)), &failures), at.plus(Duration::from_secs(60)));
    }

    #[test]
    fn an_answer_is_not_believed_blindly() {
        let name = |text: &str| text.parse::<DomainName>().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap().cert.pem();
        let now = Timestamp::from_millis(20_000 * DAY);
        let says = read(made.as_bytes(), &[name("a.example")], now).unwrap();
        assert_eq!((says.names, says.fingerprint.len()), (vec![name("a.example")], 64));
        let why = |chain: &[u8], wanted: &str, at| read(chain, &[name(wanted)], at).unwrap_err().message;
        assert!(why(made.as_bytes(), "b.example", now).contains("does not hold for b.example"));
        assert!(why(b"<html>", "a.example", now).contains("no certificate"));
        assert!(why(made.as_bytes(), "a.example", Timestamp::from_millis(i64::MAX / 4)).contains("has ended"));
    }
}
