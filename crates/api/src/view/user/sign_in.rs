//! Steps of signing in besides the password: second factors, and a CLI that waits for a person.

use serde::Serialize;
use sf_control::sign_in::{DeviceLogin, Factors, NewTotp, Ticket};
use sf_store::cli_logins::CliLogin;
use sf_types::Secret;
use utoipa::ToSchema;
use uuid::Uuid;

use super::SignedInView;
use super::Time;

/// What a right password leads to: a session, or the question for a second factor.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Entered)]
pub enum EnteredView {
    /// A session.
    SignedIn(SignedInView),
    /// The question for a second factor.
    Factor(FactorAskedView),
}

/// A second factor is asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FactorAsked)]
pub struct FactorAskedView {
    /// How to answer.
    pub factor: TicketView,
}

/// The time between a right password and the second factor's code.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FactorTicket)]
pub struct TicketView {
    /// `sft_…`: to be sent back with a code. It opens nothing else.
    pub ticket: String,
    /// What may answer: `totp`, `recovery`.
    pub methods: Vec<String>,
    /// Until when.
    pub expires_at: Time,
}

/// One's second factors.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Factors)]
pub struct FactorsView {
    /// The authenticator app, where one is confirmed.
    pub totp: Option<TotpView>,
    /// Recovery codes that are left.
    pub recovery_codes_left: u64,
}

/// A confirmed authenticator app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Totp)]
pub struct TotpView {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub label: String,
    /// Since when it is asked for.
    pub confirmed_at: Time,
}

/// An authenticator app to be confirmed. Shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewTotp)]
pub struct NewTotpView {
    /// The factor.
    pub id: Uuid,
    /// For typing into the app: base 32.
    pub secret: String,
    /// `otpauth://…`, for showing it as a picture.
    pub uri: String,
}

/// Recovery codes. Shown once; each is good once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryCodes)]
pub struct RecoveryCodesView {
    /// Ten of them.
    pub recovery_codes: Vec<String>,
}

/// What a CLI shows and asks with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeviceLogin)]
pub struct DeviceLoginView {
    /// `sfd_…`: with this it asks.
    pub device_code: String,
    /// What a person types.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: String,
    /// Until when both are good.
    pub expires_at: Time,
    /// Seconds between two questions.
    pub interval_secs: u32,
}

/// A program that waits for a person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WaitingDevice)]
pub struct WaitingDeviceView {
    /// What it says it is.
    pub client: String,
    /// Where it comes from.
    pub address: String,
    /// When it began.
    pub created_at: Time,
    /// Until when it waits.
    pub expires_at: Time,
}

/// Sessions that were ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EndedSessions)]
pub struct EndedView {
    /// How many.
    pub ended: u64,
}

impl From<Ticket> for FactorAskedView {
    fn from(ticket: Ticket) -> Self {
        let methods = ticket.methods.iter().map(|method| method.word().to_owned()).collect();
        let factor = TicketView { ticket: ticket.text.expose().clone(), methods, expires_at: Time(ticket.expires_at) };
        Self { factor }
    }
}

impl From<Factors> for FactorsView {
    fn from(factors: Factors) -> Self {
        let totp = factors.totp.map(|(id, label, at)| TotpView { id: id.uuid(), label, confirmed_at: Time(at) });
        Self { totp, recovery_codes_left: factors.recovery_codes_left }
    }
}

impl From<NewTotp> for NewTotpView {
    fn from(new: NewTotp) -> Self {
        Self { id: new.id.uuid(), secret: new.secret.expose().clone(), uri: new.uri.expose().clone() }
    }
}

impl From<Vec<Secret<String>>> for RecoveryCodesView {
    fn from(codes: Vec<Secret<String>>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().clone()).collect() }
    }
}

impl DeviceLoginView {
    /// `base` is the address of the dashboard, without a trailing slash.
    pub fn of(login: DeviceLogin, base: &str) -> Self {
        let (device_code, user_code) = (login.device_code.expose().clone(), login.user_code.expose().clone());
        Self {
            verification_uri: format!("{base}/device"),
            verification_uri_complete: format!("{base}/device?userCode={user_code}"),
            device_code,
            user_code,
            expires_at: Time(login.expires_at),
            interval_secs: login.interval_secs,
        }
    }
}

impl From<CliLogin> for WaitingDeviceView {
    fn from(login: CliLogin) -> Self {
        Self {
            client: login.client,
            address: login.address,
            created_at: Time(login.created_at),
            expires_at: Time(login.expires_at),
        }
    }
}
