use super::*;
use crate::ErrorKind;

#[test]
fn what_a_url_says() {
    let (server, address) = Server::parse(
        "postgres://me:s%40cret@host:1234/db?table=my%20t&schema=s&sslmode=verify-full",
    )
    .unwrap();
    assert_eq!(server.to_string(), "me@host:1234/db");
    assert_eq!(server.identity(), "postgres:host:1234/db");
    assert!(matches!(
        server.options.get_ssl_mode(),
        sqlx::postgres::PgSslMode::VerifyFull
    ));
    assert!(!server.is_pooled);
    assert_eq!((&*address.schema, &*address.table), ("s", "my t"));
    let (server, address) = Server::parse("postgresql://me@host/db?statement_cache=0").unwrap();
    assert!(server.is_pooled);
    assert_eq!((&*address.schema, &*address.table), ("public", "records"));
}

#[test]
fn passwords_stay_out_of_sight() {
    let (server, _) = Server::parse("postgres://me:secret@host/db").unwrap();
    assert!(!format!("{server:?} {server} {}", server.identity()).contains("secret"));
    for url in [
        "mysql://me:secret@host/db",
        "postgres://me:secret@host:port/db",
        "postgres://me:secret@host/db?table=%zz",
        "postgres://me:secret@host/db?unknown=secret2",
        "postgres://me:secret@host/db?statement_cache=many",
        "postgres://me:secret@host/db?sslmode=none",
        "postgres://me:sec ret@[::/db",
    ] {
        let error = Server::parse(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
        assert!(!format!("{error:?}").contains("sec"), "{error:?}");
    }
}
