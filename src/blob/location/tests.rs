use super::*;
use crate::ErrorKind;

fn server(
    endpoint: Option<&str>,
    region: Option<&str>,
    path_style: Option<bool>,
    ca_file: Option<&str>,
) -> S3Server {
    S3Server {
        endpoint: endpoint.map(str::to_owned),
        region: region.map(str::to_owned),
        path_style,
        ca_file: ca_file.map(PathBuf::from),
    }
}

#[test]
fn what_a_url_says_reads_back_as_the_same() {
    let nothing = || server(None, None, None, None);
    let cases = [
        ("s3://bucket", "bucket", "", nothing()),
        ("s3://bucket/", "bucket", "", nothing()),
        ("s3://my.bucket-1/a/b", "my.bucket-1", "a/b/", nothing()),
        (
            "s3://bucket/a%20b%3F/ä+c/",
            "bucket",
            "a b?/ä+c/",
            nothing(),
        ),
        (
            "s3://bucket/a?region=eu-central-1",
            "bucket",
            "a/",
            server(None, Some("eu-central-1"), None, None),
        ),
        (
            "s3://bucket?endpoint=http://localhost:7070&path_style=false&ca_file=/a%26b.pem",
            "bucket",
            "",
            server(
                Some("http://localhost:7070"),
                None,
                Some(false),
                Some("/a&b.pem"),
            ),
        ),
    ];
    for (url, bucket, prefix, server) in cases {
        let location: S3Location = url.parse().unwrap();
        assert_eq!(
            (location.bucket(), location.prefix(), location.server()),
            (bucket, prefix, &server),
            "{url}"
        );
        assert_eq!(
            location.url().parse::<S3Location>().unwrap(),
            location,
            "{url}"
        );
        assert_eq!(location.to_string(), format!("s3://{bucket}/{prefix}"));
    }
}

#[test]
fn what_is_no_place_in_s3() {
    let long = format!("s3://{}", "b".repeat(256));
    let cases = [
        ("archive/", "s3://bucket/prefix"),
        ("s3:", "s3://bucket/prefix"),
        ("s3://", "a bucket's name"),
        ("s3://a", "a bucket's name"),
        ("s3:///prefix", "a bucket's name"),
        (&long, "a bucket's name"),
        ("s3://b cket/x", "a bucket's name"),
        ("s3://bucket//x", "none of them empty"),
        ("s3://bucket/x//y", "none of them empty"),
        ("s3://bucket/../x", "none of them empty"),
        ("s3://bucket/a\nb", "none of them empty"),
        ("s3://bucket/%zz", "two hexadecimal digits"),
        (
            "s3://bucket?regoin=x",
            "has no key \"regoin\"; its keys are endpoint, region",
        ),
        ("s3://bucket?region=", "needs one value"),
        ("s3://bucket?region=a&region=b", "needs one value"),
        (
            "s3://bucket?region=eu central",
            "letters, digits and hyphens",
        ),
        (
            "s3://bucket?endpoint=localhost:7070",
            "http://localhost:7070",
        ),
        ("s3://bucket?endpoint=http://", "http://localhost:7070"),
        ("s3://bucket?endpoint=ftp://x", "http://localhost:7070"),
        ("s3://bucket?endpoint=http://x y", "http://localhost:7070"),
        ("s3://bucket?path_style=yes", "path_style is true or false"),
    ];
    for (url, says) in cases {
        let error = url.parse::<S3Location>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
        assert!(error.to_string().contains(says), "{url}: {error}");
    }
}

#[test]
fn a_password_in_a_url_is_refused_and_not_shown() {
    for url in [
        "s3://access:hush@bucket/x",
        "s3://hush@bucket",
        "s3://bucket?endpoint=http://access:hush@localhost:7070",
    ] {
        let error = url.parse::<S3Location>().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("AWS_SECRET_ACCESS_KEY"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[test]
fn what_is_not_said_is_taken_from_elsewhere() {
    let url = server(Some("http://a"), None, Some(false), None);
    let section = server(Some("http://b"), Some("x"), Some(true), Some("ca.pem"));
    let both = url.or(&section).beside(Path::new("/folder"));
    let expected = server(
        Some("http://a"),
        Some("x"),
        Some(false),
        Some("/folder/ca.pem"),
    );
    assert_eq!(both, expected);
}
