//! Passwords: what is accepted, how they are hashed, and that checking one says nothing but yes or no.
//! Source: NIST SP 800-63B-4 section 3.1.1 (policy), OWASP Password Storage Cheat Sheet (Argon2id costs).

mod blocklist;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use sf_runtime::Rng;
use sf_types::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::alphabet;
use crate::error::IdentityError;

/// Fewest characters of a password, as Unicode scalar values after normalisation (NFKC).
pub const MIN_CHARACTERS: usize = 15;
/// Most bytes of a password.
pub const MAX_BYTES: usize = 1024;
/// Memory of one hash, in KiB.
pub const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
pub const PASSES: u32 = 2;
/// Checks that may wait for a core; more are refused with "rate limited".
pub const MAX_WAITING: usize = 64;

/// What hashing costs. [`Cost::default`] is for production; tests elsewhere take [`Cost::for_tests`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory_kib: MEMORY_KIB, passes: PASSES }
    }
}

impl Cost {
    /// The smallest cost Argon2 knows.
    pub const fn for_tests() -> Self {
        Self { memory_kib: 8, passes: 1 }
    }

    fn hasher(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, 1, None)
            .expect("at least 8 KiB and one pass, both far below Argon2's maxima");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }
}

/// Hashes and checks passwords, as many at a time as there are cores. Clones share the limits.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: Cost,
    rng: Rng,
    /// Checked against where no account is: the same work, never a match.
    nobody: Arc<str>,
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    hashes: Arc<AtomicU64>,
}

/// A place in the queue of hashes. Taken before anything is counted or looked up, so that a flood costs nothing else.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// The answer to a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verified {
    /// Not this account's password, or no such account.
    Wrong,
    /// Right. Where `rehash`, the stored hash is of another cost: hash the password again and store that.
    Right {
        /// Whether the stored hash should be replaced.
        rehash: bool,
    },
}

impl Passwords {
    /// Hashes `concurrent` at a time; zero means one for each core.
    ///
    /// # Errors
    /// [`IdentityError::PasswordHash`] when the machine has not the memory for a single hash.
    pub fn new(cost: Cost, concurrent: usize, rng: &Rng) -> Result<Self, IdentityError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let concurrent = if concurrent == 0 { cores() } else { concurrent };
        let nobody = hash_now(cost, &rng.bytes(), &rng.bytes::<32>())?;
        Ok(Self {
            cost,
            rng: rng.clone(),
            nobody: nobody.into(),
            admitted: Arc::new(Semaphore::new(concurrent + MAX_WAITING)),
            running: Arc::new(Semaphore::new(concurrent)),
            hashes: Arc::default(),
        })
    }

    /// Hashes a new password after [`check_policy`]. The answer is a PHC string (`$argon2id$v=19$...`).
    ///
    /// # Errors
    /// A policy error, [`IdentityError::PasswordsBusy`], [`IdentityError::PasswordHash`].
    pub async fn hash(&self, password: &Secret<String>, about: &[&str]) -> Result<String, IdentityError> {
        check_policy(password, about)?;
        let (password, salt, cost) = (normalised(password.expose()), self.rng.bytes(), self.cost);
        self.run(self.place()?, move || hash_now(cost, &salt, password.expose().as_bytes())).await
    }

    /// A place for one check.
    ///
    /// # Errors
    /// [`IdentityError::PasswordsBusy`] at once, when all are taken.
    pub fn place(&self) -> Result<Place, IdentityError> {
        let permit = Arc::clone(&self.admitted).try_acquire_owned();
        permit.map(|permit| Place { _permit: permit }).map_err(|_| IdentityError::PasswordsBusy)
    }

    /// Checks a password. Without a stored hash (no such account) the same work is done and the answer is
    /// [`Verified::Wrong`]. A hash of another cost takes another time until it was replaced.
    ///
    /// # Errors
    /// [`IdentityError::PasswordsBusy`]; [`IdentityError::PasswordHash`] when the stored text is no Argon2 hash.
    pub async fn verify(&self, password: &Secret<String>, stored: Option<&str>) -> Result<Verified, IdentityError> {
        self.verify_in(self.place()?, password, stored).await
    }

    /// [`Self::verify`] in a place that was taken before.
    ///
    /// # Errors
    /// [`IdentityError::PasswordHash`] when the stored text is no Argon2 hash.
    pub async fn verify_in(
        &self,
        place: Place,
        password: &Secret<String>,
        stored: Option<&str>,
    ) -> Result<Verified, IdentityError> {
        let possible = stored.is_some() && password.expose().len() <= MAX_BYTES;
        let password = if possible { normalised(password.expose()) } else { Secret::new(String::new()) };
        let (cost, stored) = (self.cost, stored.filter(|_| possible).unwrap_or(&self.nobody).to_owned());
        self.run(place, move || {
            let hash = PasswordHash::new(&stored).map_err(unusable)?;
            let params = Params::try_from(&hash).map_err(unusable)?;
            let right = cost.hasher().verify_password(password.expose().as_bytes(), &hash).is_ok();
            let rehash = (params.m_cost(), params.t_cost()) != (cost.memory_kib, cost.passes);
            Ok(if right && possible { Verified::Right { rehash } } else { Verified::Wrong })
        })
        .await
    }

    /// How many hashes were computed since the start; a metric.
    pub fn hashes(&self) -> u64 {
        self.hashes.load(Ordering::Relaxed)
    }

    /// Runs `work` off the async threads. The places are given back when the work ends, not when the caller goes
    /// away: requests that are cancelled in a row cannot start more than the limit.
    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| IdentityError::PasswordsBusy)?;
        let hashes = Arc::clone(&self.hashes);
        tokio::task::spawn_blocking(move || {
            let _places = (place, running);
            hashes.fetch_add(1, Ordering::Relaxed);
            work()
        })
        .await
        .map_err(unusable)?
    }
}

/// Whether a new password may be used: long enough, not too long, not one of the first that are tried. `about` is
/// what anyone knows of the account: its mail address, name, the product's host.
///
/// # Errors
/// [`IdentityError::PasswordTooShort`], [`IdentityError::PasswordTooLong`], [`IdentityError::PasswordCommon`].
pub fn check_policy(password: &Secret<String>, about: &[&str]) -> Result<(), IdentityError> {
    let bytes = password.expose().len();
    if bytes > MAX_BYTES {
        return Err(IdentityError::PasswordTooLong { bytes });
    }
    let password = normalised(password.expose());
    let characters = password.expose().chars().count();
    if characters < MIN_CHARACTERS {
        return Err(IdentityError::PasswordTooShort { characters });
    }
    if blocklist::is_common(password.expose(), about) { Err(IdentityError::PasswordCommon) } else { Ok(()) }
}

/// A new password for a person: 20 characters in groups of five, 100 random bits.
pub fn generate(rng: &Rng) -> Secret<String> {
    Secret::new(alphabet::grouped(&rng.bytes::<13>(), 4))
}

/// The same text whatever keyboard or system composed its characters (NFKC, as SP 800-63B asks).
fn normalised(password: &str) -> Secret<String> {
    Secret::new(password.nfkc().collect())
}

fn hash_now(cost: Cost, salt: &[u8; 16], password: &[u8]) -> Result<String, IdentityError> {
    let hash: PasswordHash = cost.hasher().hash_password_with_salt(password, salt).map_err(unusable)?;
    Ok(hash.to_string())
}

fn unusable(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::PasswordHash(error.to_string())
}

#[cfg(test)]
mod tests;
