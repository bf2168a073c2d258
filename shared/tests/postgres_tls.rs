//! TLS to Postgres. Without the feature `postgres-tls` a URL that asks for it is refused in one clear line; with it, the
//! connection is encrypted and a certificate that is to be verified is.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use shared::db::{DatabaseUrl, StoreError, open_reader};
use shared::testing::{TlsCluster, is_encrypted};

/// What comes of a connection: whether it is encrypted, or why there is none.
fn encrypted(url: &str) -> Result<bool, String> {
    let url: DatabaseUrl = url.parse().unwrap();
    let mut conn = open_reader(&url).map_err(|error| {
        let StoreError::Unavailable(why) = error else { panic!("{error}") };
        why
    })?;
    Ok(is_encrypted(&mut conn))
}

#[test]
fn a_connection_is_as_safe_as_the_url_asks_for() {
    let Some(cluster) = TlsCluster::start() else { return };
    let [own, other] =
        [cluster.authority(), cluster.other_authority()].map(|path| path.display().to_string());
    let plain = encrypted(&cluster.url("sslmode=disable"));
    assert_eq!(plain, Ok(false));
    if !cfg!(feature = "postgres-tls") {
        for mode in ["require", "verify-full"] {
            let why = encrypted(&cluster.url(&format!("sslmode={mode}"))).unwrap_err();
            assert!(why.contains("build it with --features postgres-tls") && !why.contains('\n'), "{why}");
        }
        return;
    }
    assert_eq!(encrypted(&cluster.url("sslmode=require")), Ok(true));
    assert_eq!(encrypted(&cluster.url(&format!("sslmode=verify-full&sslrootcert={own}"))), Ok(true));
    let why = encrypted(&cluster.url(&format!("sslmode=verify-full&sslrootcert={other}"))).unwrap_err();
    assert!(why.contains("certificate verify failed"), "{why}");
    let why =
        encrypted(&cluster.url_by_address(&format!("sslmode=verify-full&sslrootcert={own}"))).unwrap_err();
    assert!(why.contains("does not match host name"), "{why}");
}
