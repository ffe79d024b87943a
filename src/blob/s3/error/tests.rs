use super::*;

#[test]
fn codes_and_statuses_have_one_meaning_each() {
    use ErrorKind::{Invalid, Unavailable, Unexpected, Unsupported};
    let cases = [
        ("NoSuchBucket", 404, Invalid, "no such bucket"),
        ("AccessDenied", 403, Invalid, "allow it"),
        ("InvalidAccessKeyId", 403, Invalid, "AWS_ACCESS_KEY_ID"),
        (
            "SignatureDoesNotMatch",
            403,
            Invalid,
            "AWS_SECRET_ACCESS_KEY",
        ),
        ("ExpiredToken", 400, Invalid, "expired"),
        ("RequestTimeTooSkewed", 403, Unavailable, "clock"),
        ("AuthorizationHeaderMalformed", 400, Invalid, "region"),
        ("PermanentRedirect", 301, Invalid, "region"),
        ("", 301, Invalid, "region"),
        ("InvalidObjectState", 403, Unavailable, "storage class"),
        ("BadDigest", 400, Unavailable, "damaged"),
        (
            "ConditionalRequestConflict",
            409,
            Unavailable,
            "somebody else",
        ),
        ("KeyTooLongError", 400, Invalid, "does not take"),
        ("SlowDown", 503, Unavailable, "busy"),
        ("RequestTimeout", 400, Unavailable, "busy"),
        ("InternalError", 500, Unavailable, "try again"),
        ("", 502, Unavailable, "try again"),
        ("", 429, Unavailable, "try again"),
        ("NotImplemented", 501, Unsupported, "cannot do that"),
        ("", 403, Invalid, "allow it"),
        ("", 404, Invalid, "endpoint"),
        ("Whatever", 400, Unexpected, ""),
    ];
    for (code, status, kind, says) in cases {
        let (found, remedy) = from_service(code, Some(status));
        assert_eq!(found, kind, "{code} {status}");
        assert!(remedy.contains(says), "{code} {status}: {remedy}");
    }
}

#[test]
fn what_is_denied_names_the_permission() {
    let location = S3Location::new("bucket", "a/b").unwrap();
    let cases = [
        (Doing::Reading, "s3:GetObject on arn:aws:s3:::bucket/a/b/*"),
        (Doing::Writing, "s3:PutObject"),
        (Doing::Deleting, "s3:DeleteObject"),
        (Doing::Listing, "s3:ListBucket"),
    ];
    for (doing, says) in cases {
        let permission = doing.permission(&location);
        assert!(permission.contains(says), "{permission}");
    }
}
