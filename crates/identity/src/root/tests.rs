use super::*;
use sf_protocol::delegation::DelegationError;
use sf_types::{Fault, TypedId};

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn instance(byte: u8) -> InstanceId {
    InstanceId::from_parts(START, [byte; 10])
}

fn root(byte: u8) -> Root {
    Root(SecretKey::from_seed(&[byte; 32]))
}

fn online() -> Online {
    root(1).certify(Online::generate_key(&Rng::seeded(1)), instance(1), 1, vec![Class::Read, Class::Operate], START)
}

#[test]
fn an_agent_accepts_what_the_root_certified_and_nothing_else() {
    let online = online();
    let open = |online: &Online, root: &Root, at| Delegation::open(&online.certificate, &root.public(), at);
    assert_eq!(open(&online, &root(1), START), Ok(online.delegation.clone()));
    assert!(matches!(open(&online, &root(2), START), Err(DelegationError::Root(_))));
    assert!(open(&online, &root(1), START.plus(30 * DAY)).is_ok());
    assert!(matches!(open(&online, &root(1), START.plus(31 * DAY)), Err(DelegationError::Time { .. })));
}

#[test]
fn renewal_is_due_from_day_twenty() {
    for (at, expected) in [
        (START, Renewal::Fresh),
        (START.plus(20 * DAY).minus(Duration::from_millis(1)), Renewal::Fresh),
        (START.plus(20 * DAY), Renewal::Due { left: 10 * DAY }),
        (START.plus(29 * DAY), Renewal::Due { left: DAY }),
        (START.plus(30 * DAY), Renewal::Expired),
    ] {
        assert_eq!(online().renewal(at), expected, "{at}");
    }
}

#[test]
fn renewing_keeps_key_and_epoch_and_raising_only_the_key() {
    let old = online();
    let later = START.plus(25 * DAY);
    for (new, epoch) in [(root(1).renew(&old, later), 1), (root(1).raise_epoch(&old, later), 2)] {
        let said = Delegation::open(&new.certificate, &root(1).public(), later.plus(29 * DAY)).unwrap();
        let expected =
            Delegation { epoch, not_before: later, not_after: later.plus(30 * DAY), ..old.delegation.clone() };
        assert_eq!(said, expected);
        assert_eq!(new.key.public(), old.key.public());
        assert_eq!(new.renewal(later), Renewal::Fresh);
    }
}

#[test]
fn an_online_key_comes_back_only_with_its_own_certificate() {
    let (rng, master, online) = (Rng::seeded(2), MasterKey::from_bytes([1; 32]), online());
    let sealed = online.seal_key(&master, &rng);
    let check = |instance, certificate: &Signed, root: &Root, master: &MasterKey, expected: &str| {
        let got = Online::restore(instance, &sealed, certificate.clone(), &root.public(), master);
        let code = got.map_or_else(|error| Fault::from(error).code, |online| online.key.public().id().to_string());
        assert_eq!(code, expected);
    };
    let good = online.key.public().id().to_string();
    let other_key = root(1).certify(SecretKey::from_seed(&[8; 32]), instance(1), 1, vec![], START).certificate;
    check(instance(1), &online.certificate, &root(1), &master, &good);
    check(instance(1), &online.certificate, &root(2), &master, "key.unusable");
    check(instance(1), &other_key, &root(1), &master, "key.unusable");
    check(instance(2), &online.certificate, &root(1), &master, "seal.damaged");
    check(instance(1), &online.certificate, &root(1), &MasterKey::from_bytes([2; 32]), "seal.other_key");
}

#[test]
fn the_root_file_is_made_once_can_be_taken_away_and_is_asked_for_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    assert!(Root::load(&path).unwrap().is_none());
    let fault = Fault::from(Root::require(&path).unwrap_err());
    assert!(fault.code == "root.absent" && fault.message.contains("root.key"), "{fault}");
    let made = Root::create(&path, &Rng::seeded(1)).unwrap();
    let again = Root::create(&path, &Rng::seeded(2)).unwrap();
    assert_eq!(made.fingerprint(), again.fingerprint());
    assert_eq!(Root::load(&path).unwrap().unwrap().public(), made.public());
}

/// Made by `ssh-keygen -t ed25519` for this test alone.
const BY_SSH_KEYGEN: &str = include_str!("sample_openssh_key");
const ITS_PUBLIC_HALF: &str = include_str!("sample_openssh_key.pub");

#[test]
fn openssh_keys_are_read_as_ssh_keygen_writes_them() {
    let key = read_openssh(BY_SSH_KEYGEN.as_bytes(), "sample").unwrap();
    let public = ssh_key::PublicKey::from_openssh(ITS_PUBLIC_HALF).unwrap();
    assert_eq!(&public.key_data().ed25519().unwrap().0, key.public().bytes());
    let (line, fingerprint) = public_openssh(&key.public(), public.comment().as_str_lossy());
    assert_eq!(line.trim(), ITS_PUBLIC_HALF.trim());
    assert_eq!(fingerprint, public.fingerprint(ssh_key::HashAlg::Sha256).to_string());
    let rewritten = write_openssh(&key, "x");
    assert_eq!(read_openssh(rewritten.expose().as_bytes(), "x").unwrap().seed(), key.seed());
}

#[test]
fn what_is_no_plain_ed25519_key_is_refused_and_named() {
    let mismatched = {
        let pair = Ed25519Keypair {
            public: Ed25519PublicKey(*SecretKey::from_seed(&[3; 32]).public().bytes()),
            private: Ed25519PrivateKey::from_bytes(&[4; 32]),
        };
        PrivateKey::new(KeypairData::Ed25519(pair), "").unwrap().to_openssh(LineEnding::LF).unwrap().to_string()
    };
    for text in
        ["", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", &BY_SSH_KEYGEN[..200], &mismatched]
    {
        let error = read_openssh(text.as_bytes(), "/data/root.key").unwrap_err();
        assert!(error.to_string().starts_with("/data/root.key holds no usable Ed25519"), "{error}");
    }
}
