use super::*;
use crate::ErrorKind;

#[test]
fn each_backend() {
    let sqlite = |path: &str, table: &str| Address::Sqlite {
        path: path.into(),
        table: table.into(),
    };
    for (url, address) in [
        ("memory:", Address::Memory),
        ("sqlite:a/b.db", sqlite("a/b.db", "records")),
        (
            "sqlite:/a%3fb.db?table=my%20table",
            sqlite("/a?b.db", "my table"),
        ),
        (
            "ducklake:sqlite:t.db?data=archive/&table=x",
            Address::Archive {
                catalog: Catalog::Sqlite("t.db".into()),
                table: "x".into(),
                data: ArchiveData::Directory("archive/".into()),
            },
        ),
        (
            "ducklake:sqlite:t.db?data=s3://bucket/a&region=x&path_style=true",
            Address::Archive {
                catalog: Catalog::Sqlite("t.db".into()),
                table: "records".into(),
                data: ArchiveData::S3("s3://bucket/a?path_style=true&region=x".parse().unwrap()),
            },
        ),
        (
            "ducklake:postgres://u:p@h/d?data=s3://bucket/a&region=x&schema=thermocline&table=y&sslmode=require",
            Address::Archive {
                catalog: Catalog::Postgres(DatabaseUrl::new("postgres://u:p@h/d?sslmode=require")),
                table: "y".into(),
                data: ArchiveData::S3("s3://bucket/a?region=x".parse().unwrap()),
            },
        ),
        (
            "ducklake:postgres://u:p@h/d?data=archive/",
            Address::Archive {
                catalog: Catalog::Postgres(DatabaseUrl::new("postgres://u:p@h/d")),
                table: "records".into(),
                data: ArchiveData::Directory("archive/".into()),
            },
        ),
        (
            "postgres://u:p@h/d?table=x",
            Address::Postgres(DatabaseUrl::new("postgres://u:p@h/d?table=x")),
        ),
        (
            "my/thermocline.toml#a",
            Address::Configuration("my/thermocline.toml#a".into()),
        ),
    ] {
        assert_eq!(url.parse::<Address>().unwrap(), address, "{url}");
    }
}

#[test]
fn what_is_no_url() {
    for (url, kind, says) in [
        ("", ErrorKind::Invalid, "a URL or a configuration"),
        ("memory:x", ErrorKind::Invalid, "nothing stands behind"),
        ("sqlite:", ErrorKind::Invalid, "names no file"),
        (
            "sqlite:a?tabel=x",
            ErrorKind::Invalid,
            "no key \"tabel\"; its keys are table",
        ),
        (
            "sqlite:a?table=",
            ErrorKind::Invalid,
            "\"table\" needs one value",
        ),
        (
            "sqlite:a?table=x&table=y",
            ErrorKind::Invalid,
            "\"table\" needs one value",
        ),
        ("sqlite:a%zz", ErrorKind::Invalid, "two hexadecimal digits"),
        ("sqlite:a%ff", ErrorKind::Invalid, "not UTF-8"),
        ("ducklake:sqlite:t.db", ErrorKind::Invalid, "?data=archive/"),
        (
            "ducklake:postgres://u:p@h/d",
            ErrorKind::Invalid,
            "?data=archive/",
        ),
        (
            "ducklake:postgres://u:p@h/d?data=a&schema=other",
            ErrorKind::Unsupported,
            "the schema `thermocline`",
        ),
        (
            "ducklake:sqlite:t.db?data=a&region=x",
            ErrorKind::Invalid,
            "the segments lie in a folder",
        ),
        (
            "ducklake:sqlite:t.db?data=s3://u:p@bucket",
            ErrorKind::Invalid,
            "credentials do not belong into a URL",
        ),
        ("s3://b/p", ErrorKind::Unsupported, "not built yet"),
    ] {
        let error = url.parse::<Address>().unwrap_err();
        assert_eq!(error.kind(), kind, "{url}");
        assert!(error.message().contains(says), "{url}: {error}");
        assert!(!error.to_string().contains(":p@"), "{error}");
    }
}
