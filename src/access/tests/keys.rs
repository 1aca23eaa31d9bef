use super::*;
use std::collections::BTreeSet;

#[test]
fn a_key_has_a_public_and_a_secret_part() {
    let key = key(0xA5);
    let parts: Vec<&str> = key.expose().split('-').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("sat", 12, 48));
    assert_eq!(key.id().as_str(), parts[1]);
    assert!(is_key_id(parts[1]) && !is_key_id(parts[2]));
    let read = ApiKey::parse(key.expose()).unwrap();
    assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
}

#[test]
fn every_random_bit_of_the_secret_shows() {
    let zero = ApiKey::from_bytes(&[0; KEY_BYTES]);
    for bit in 8 * 8..8 * KEY_BYTES {
        let mut bytes = [0; KEY_BYTES];
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = ApiKey::from_bytes(&bytes);
        assert_ne!(other.expose(), zero.expose(), "bit {bit}");
        assert_eq!(other.id(), zero.id(), "bit {bit}");
    }
}

#[test]
fn base32_is_that_of_rfc_4648() {
    // `printf 'Hello, world, this is a key of mine...' | base32`, cut and in lower case.
    let key = ApiKey::from_bytes(b"Hello, world, this is a key of mine...");
    assert_eq!(key.expose(), "sat-jbswy3dpfqqh-n5zgyzbmeb2gq2ltebuxgidbebvwk6jan5tca3ljnzss4lro");
}

#[test]
fn what_is_no_key_is_not_read() {
    let good = key(1).expose().to_owned();
    let bad = [
        "".to_owned(),
        "sat-".to_owned(),
        good.to_uppercase(),
        good.replace("sat", "sk"),
        good[..good.len() - 1].to_owned(),
        format!("{good}a"),
        format!(" {good}"),
        good.replacen('-', "_", 2),
        format!("sat-{}-{}", "ä".repeat(6), "a".repeat(48)),
    ];
    for text in bad {
        assert!(ApiKey::parse(&text).is_none(), "{text}");
    }
}

#[test]
fn secrets_are_never_printed() {
    let key = key(7);
    let secret = key.expose().rsplit('-').next().unwrap();
    let printed = format!("{key:?} {:?}", record(7, KeyLimits::default()));
    assert!(printed.contains(key.id().as_str()) && !printed.contains(secret), "{printed}");
    assert!(!printed.contains(&format!("{:?}", key.hash().0)), "{printed}");
}

#[test]
fn the_system_gives_other_bytes_each_time() {
    let drawn: BTreeSet<_> = (0..100).map(|_| draw_key_bytes().unwrap()).collect();
    assert_eq!(drawn.len(), 100);
}

#[test]
fn weak_admin_keys_are_refused() {
    let short = AdminKey::new("1f0a9c").unwrap_err();
    assert_eq!(short, WeakAdminKey::Short(6));
    assert!(short.to_string().contains("openssl rand"), "{short}");
    for guessable in [
        "a".repeat(64),
        "password".repeat(5),
        "changeme1".repeat(4),
        "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
        "0123456789".repeat(4),
    ] {
        assert_eq!(AdminKey::new(&guessable).unwrap_err(), WeakAdminKey::Guessable, "{guessable}");
    }
    for unsendable in [format!("{} ", "f3b09ac1".repeat(8)), "ü".repeat(40)] {
        assert_eq!(AdminKey::new(&unsendable).unwrap_err(), WeakAdminKey::Unsendable);
    }
}

#[test]
fn a_strong_admin_key_opens_to_itself_alone() {
    let text = "9f86d081884c7d659a2feaa0c55ad015";
    let admin = AdminKey::new(text).unwrap();
    assert!(admin.is(text));
    for other in ["", "9f86d081884c7d659a2feaa0c55ad016", "9F86D081884C7D659A2FEAA0C55AD015"] {
        assert!(!admin.is(other), "{other}");
    }
    assert!(!format!("{admin:?}").contains("9f86"));
}

#[test]
fn random_hexadecimal_digits_always_make_an_admin_key() {
    for _ in 0..1000 {
        let bytes = draw_key_bytes().unwrap();
        let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(AdminKey::new(&hex).is_ok(), "{hex}");
    }
}
